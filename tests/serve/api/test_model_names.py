"""Names of models, where the loaded one has not all roles."""

from __future__ import annotations

import pytest

from videomind.serve.api.model_names import check_model, model_names
from videomind.serve.errors import Refused


def test_roles_that_are_not_there_cannot_be_named() -> None:
    assert model_names(("grounder", "answerer")) == ["videomind", "videomind/grounder", "videomind/answerer"]
    check_model("videomind/grounder", ("grounder", "answerer"))
    with pytest.raises(Refused, match="there is no model 'videomind/planner'") as refused:
        check_model("videomind/planner", ("grounder", "answerer"))
    assert refused.value.status == 404


@pytest.mark.parametrize("name", ["", "grounder", "videomind/", "gpt-4o", "Videomind"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="there is: videomind, videomind/grounder"):
        check_model(name, ("grounder",))
