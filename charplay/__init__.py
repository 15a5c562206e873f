"""charplay: a playground for character-level recurrent networks."""
