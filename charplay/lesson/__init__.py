"""Lessons: steps that set the page by a link, ask for a prediction, and have the models compute the answer."""
