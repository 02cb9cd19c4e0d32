"""The figures about the code that docs/contributors shows."""

from deploy.code_figures import features_in_circles


def test_folders_that_import_each_other_are_counted() -> None:
    def module(folder: str, *imported: str) -> tuple[str, str]:
        text = "\n".join(f"from a_svc.{name} import store" for name in imported)
        return f"services/a-svc/src/a_svc/{folder}/use_cases.py", text

    one_way = dict([module("users"), module("sessions", "users"), module("logins", "sessions")])
    assert features_in_circles(one_way) == {"a_svc": 0}
    in_a_circle = one_way | dict([module("users", "logins"), module("labels", "users")])
    assert features_in_circles(in_a_circle) == {"a_svc": 3}
