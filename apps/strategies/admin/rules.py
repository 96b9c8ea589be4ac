"""What the pages share on which a rule is chosen."""

from __future__ import annotations

from typing import ClassVar

from apps.strategies.forms import RuleForm, conditions, form_of


class RuleAdmin:
    """A model whose form has a field for each parameter of each rule that there is when the page is asked for."""

    rule_form: ClassVar[type[RuleForm]]

    @property
    def form(self) -> type[RuleForm]:
        return form_of(self.rule_form)

    @property
    def conditional_fields(self) -> dict[str, str]:
        return conditions()
