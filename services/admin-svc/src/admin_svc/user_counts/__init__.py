"""The number of users of each kind: counting them anew takes longer than a page may take."""
