"""Events that services could not handle, shown, and handled again or dropped."""
