"""Names and texts that begin with a dash reach the command."""

import argparse

import pytest

from charplay.cli import infer
from charplay.cli.parser import Parser


@pytest.fixture
def parse():
    parser = Parser(prog="charplay")
    infer.add_to(parser.add_subparsers(required=True))
    return lambda *arguments: parser.parse_args(list(arguments))


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["-Smith"], ["-Smith"]),
        (["-hansen"], ["-hansen"]),  # not -h
        (["Rossi", "-Smith", "--json", "--prior", "uniform"], ["Rossi", "-Smith"]),
        (["--json", "-Smith", "Rossi", "--pri", "uniform"], ["-Smith", "Rossi"]),
        (["--prior=uniform", "--json", "--", "--Smith", "-Jones"], ["--Smith", "-Jones"]),
        (["-"], ["-"]),
    ],
)
def test_names_may_begin_with_a_dash(parse, arguments, names):
    parsed = parse("classify", *arguments)
    assert parsed.names == names
    assert parsed.json == ("--json" in arguments)
    assert parsed.prior == ("uniform" if any("uniform" in argument for argument in arguments) else "data")


@pytest.mark.parametrize("prime", ["-hello", "--hello", "- hello", "-", "-1", "--prime-hello"])
def test_a_prime_may_begin_with_a_dash(parse, prime):
    parsed = parse("generate", "--prime", prime, "--seed", "-5", "--json")
    assert (parsed.prime, parsed.seed, parsed.json) == (prime, -5, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify"],
        ["classify", "Rossi", "--jsn"],
        ["generate", "--prime"],
        ["generate", "--prime", "--"],
        ["generate", "-x", "--prime", "a"],
    ],
)
def test_what_is_no_argument_is_still_an_error(parse, arguments):
    with pytest.raises(ValueError, match="--help"):
        parse(*arguments)


def test_an_option_in_place_of_a_value_is_that_option(parse):
    with pytest.raises(ValueError, match="--prime"):
        parse("generate", "--prime", "--json")


def test_help_is_help(parse, capsys):
    with pytest.raises(SystemExit):
        parse("classify", "-h")
    assert "NAME" in capsys.readouterr().out
    assert issubclass(Parser, argparse.ArgumentParser)
