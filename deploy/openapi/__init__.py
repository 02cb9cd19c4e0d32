"""The API document (OpenAPI 3.1), made of the services' own tables of routes and forms."""
