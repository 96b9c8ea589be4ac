"""The jobs' own pages, in the console's dress."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django_celery_beat.admin import ClockedScheduleAdmin as BeatClockedScheduleAdmin
from django_celery_beat.admin import CrontabScheduleAdmin as BeatCrontabScheduleAdmin
from django_celery_beat.admin import PeriodicTaskAdmin as BeatPeriodicTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_celery_results.models import GroupResult, TaskResult
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.common.console import FactAdmin, relative_time, status_badge

for model in (
    PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule, TaskResult, GroupResult,
):  # fmt: skip
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class JobSelectWidget(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The registered tasks, as a select of the console."""


class JobForm(PeriodicTaskForm):
    """The scheduler's own form with the console's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = JobSelectWidget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatPeriodicTaskAdmin, ModelAdmin):
    """Recurring jobs: the cadence of the platform's own is set in code, on and off here."""

    form = JobForm
    list_display = ["name", "schedule", "state", "last_run", "total_run_count"]
    list_filter = ["enabled", "one_off"]
    list_fullwidth = True
    list_filter_submit = True
    compressed_fields = True

    @display(description="Schedule")
    def schedule(self, task: PeriodicTask) -> str:
        return str(task.scheduler)

    @display(description="State", ordering="enabled")
    def state(self, task: PeriodicTask) -> object:
        return status_badge("enabled", "Enabled") if task.enabled else status_badge("disabled", "Disabled")

    @display(description="Last run (UTC)", ordering="last_run_at")
    def last_run(self, task: PeriodicTask) -> object:
        return relative_time(task.last_run_at)


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    """Every so many seconds, minutes, hours or days."""

    list_display = ["every", "period"]


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(BeatCrontabScheduleAdmin, ModelAdmin):
    """At times of the clock."""


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ModelAdmin):
    """At sunrise, noon and the like of a place."""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(BeatClockedScheduleAdmin, ModelAdmin):
    """Once, at a moment."""


@admin.register(TaskResult)
class TaskResultAdmin(FactAdmin):
    """What jobs returned, and why they failed."""

    list_display = ["finished", "task_name", "state", "worker", "took"]
    list_filter = ["status", "task_name"]
    search_fields = ["task_id", "task_name"]
    ordering = ["-date_done"]
    fieldsets = [
        (None, {"fields": ["task_id", "task_name", "periodic_task_name", "status", "worker"]}),
        ("Given and returned", {"fields": ["task_args", "task_kwargs", "result", "traceback"]}),
        ("Times", {"fields": ["date_created", "date_started", "date_done"]}),
    ]

    @display(description="Finished (UTC)", ordering="date_done")
    def finished(self, result: TaskResult) -> object:
        return relative_time(result.date_done)

    @display(description="Status", ordering="status")
    def state(self, result: TaskResult) -> object:
        return status_badge(result.status.lower(), result.status.capitalize())

    @display(description="Took", formatting="price")
    def took(self, result: TaskResult) -> str:
        if result.date_started is None or result.date_done is None:
            return ""
        return f"{(result.date_done - result.date_started).total_seconds():.2f} s"


@admin.register(GroupResult)
class GroupResultAdmin(FactAdmin):
    """Results of groups of jobs."""

    list_display = ["group_id", "date_done"]
