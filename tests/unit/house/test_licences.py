import pytest

from tests.unit.house import licences
from tests.unit.house.licences import Strictness


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", Strictness.FREE),
        ("BSD License", Strictness.FREE),
        ("Apache-2.0 OR BSD-3-Clause", Strictness.FREE),
        ("MPL-2.0", Strictness.FILE),
        ("Mozilla Public License 2.0", Strictness.FILE),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", Strictness.FILE),
        ("MIT AND LGPL-2.1-or-later", Strictness.LIBRARY),
        ("GNU Lesser General Public License v3", Strictness.LIBRARY),
        ("GPL-3.0-or-later", Strictness.WHOLE),
        ("AGPL-3.0-only", Strictness.WHOLE),
        ("GNU Affero General Public License v3", Strictness.WHOLE),
        ("MIT AND GPL-2.0-only", Strictness.WHOLE),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", Strictness.FREE),
        ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", Strictness.WHOLE),
        ("Apache-2.0 WITH LLVM-exception", Strictness.FREE),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Strictness.WHOLE),
        ("Proprietary", Strictness.UNKNOWN),
        ("", Strictness.UNKNOWN),
        ("MIT AND", Strictness.UNKNOWN),
        ("(MIT", Strictness.UNKNOWN),
    ],
)
def test_an_expression_is_as_strict_as(expression: str, expected: Strictness) -> None:
    assert licences.strictness_of(expression) == expected


def test_what_we_run_on_may_be_run_by_anybody() -> None:
    found = licences.findings()
    assert len(found) > 50
    assert not [finding for finding in found if finding.strictness >= Strictness.UNKNOWN]


def test_only_what_runs_is_asked() -> None:
    names = {finding.name for finding in licences.findings()}
    assert {"fastapi", "sqlalchemy", "argon2-cffi", "uvloop"} <= names, "extras that we ask for belong to it"
    assert not {"pytest", "mypy", "hypothesis", "hatchling"} & names


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("License-Expression: MIT", "MIT"),
        (
            "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            "GNU General Public License v3",
        ),
        ("Classifier: License :: OSI Approved\nLicense: Apache-2.0", "Apache-2.0"),
        (
            "License: MPL or GPL\nClassifier: License :: OSI Approved :: Mozilla Public License 1.1 (MPL 1.1)\n"
            "Classifier: License :: OSI Approved :: GNU General Public License (GPL)",
            "Mozilla Public License 1.1 OR GNU General Public License",
        ),
        ("Name: bare", "nothing"),
    ],
)
def test_a_distribution_says(lines: str, expected: str) -> None:
    assert licences.licence_named(lines) == expected
