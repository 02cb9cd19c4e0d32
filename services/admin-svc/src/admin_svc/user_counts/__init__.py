"""How many users there are of each kind; counting them anew takes longer than showing a page."""
