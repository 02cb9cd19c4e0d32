"""How many users match a filter: counting them anew takes longer than a page may take."""
