"""What every page is made with: the client of the API, languages, templates, forms and errors."""
