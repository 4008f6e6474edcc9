"""What a manifest may hold under `calibration`; meanings as in `calibration.Calibration`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from videomind.roles.calibration import Calibration, Rule, Rules

Weight = Annotated[float, Field(ge=-10_000, le=10_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _RuleFile(_Checked):
    bias: Weight
    confidence: Weight
    verified: Weight = 0.0
    threshold: Share

    def to_rule(self) -> Rule:
        return Rule(self.bias, self.confidence, self.verified, self.threshold)


class _RulesFile(_Checked):
    presence: _RuleFile
    moment: _RuleFile

    def to_rules(self) -> Rules:
        return Rules(self.presence.to_rule(), self.moment.to_rule())


class CalibrationFile(_Checked):
    """The keys and their ranges."""

    grounded: _RulesFile
    verified: _RulesFile | None = None
    nms_iou: Share
    fitted_on: str = Field(min_length=1, max_length=500)
    queries: int = Field(ge=1)

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        """What to write for a calibration.

        Raises:
            ValidationError: one of its numbers is out of range.
        """
        return cls.model_validate(asdict(calibration))

    def to_calibration(self) -> Calibration:
        """The same as a plain dataclass."""
        return Calibration(
            grounded=self.grounded.to_rules(),
            verified=self.verified.to_rules() if self.verified else None,
            nms_iou=self.nms_iou,
            fitted_on=self.fitted_on,
            queries=self.queries,
        )
