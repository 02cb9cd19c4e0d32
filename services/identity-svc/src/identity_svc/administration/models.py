"""Why an administrator does not change a user, besides what `Authority` refuses."""
