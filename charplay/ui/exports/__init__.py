"""What a visitor takes home: plots and tables as files, a tab as a page of its own."""
