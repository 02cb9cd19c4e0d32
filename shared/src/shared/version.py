"""The version of Barong: one number for all services, from which their packages take it."""

VERSION = "0.1.0"
