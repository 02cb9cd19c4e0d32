"""The reference of settings tells of what the code has."""

from deploy.settings_reference import REFERENCE, SERVICES, reference, settings_of


def test_the_committed_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference(), "`make settings` writes it anew"


def test_every_setting_says_what_it_means() -> None:
    told = [setting for service in SERVICES.values() for setting in settings_of(service)]
    assert len(told) > 100
    assert all(len(setting.doc) > 10 for setting in told if "PASSWORD" not in setting.variable)


def test_a_variable_has_one_default_whoever_reads_it() -> None:
    defaults: dict[str, set[str]] = {}
    for service in SERVICES.values():
        for setting in settings_of(service):
            defaults.setdefault(setting.variable, set()).add(setting.default)
    assert {variable for variable, values in defaults.items() if len(values) > 1} == set()
