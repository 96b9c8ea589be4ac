"""What must follow a change of an account whoever makes it, Django's own commands and pages among them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import F, Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from apps.accounts.models import Action, User
from apps.accounts.services.access import access_changed
from apps.accounts.services.audit import audit
from apps.common.origin import identify

SETTLED = frozenset({"post_add", "post_remove", "post_clear"})
CONSOLE_ACTIONS = {ADDITION: Action.ADDED_IN_CONSOLE, CHANGE: Action.CHANGED_IN_CONSOLE}


@receiver(pre_save, sender=User, dispatch_uid="accounts.password")
def end_tokens_of_an_old_password(sender: type[User], instance: User, update_fields: Any = None, **kwargs: Any) -> None:
    """Count the token version up with every new password."""
    if instance.pk is None or (update_fields is not None and "password" not in update_fields):
        return
    known = User.objects.filter(pk=instance.pk)
    if known.exclude(password=instance.password).update(token_version=F("token_version") + 1):
        instance.token_version = known.values_list("token_version", flat=True).get()


@receiver(post_save, sender=User, dispatch_uid="accounts.saved")
@receiver(post_delete, sender=User, dispatch_uid="accounts.deleted")
def refresh_saved_user(sender: type[User], instance: User, **kwargs: Any) -> None:
    access_changed(instance, ends_sessions=False)


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="accounts.groups")
@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="accounts.permissions")
def refresh_users(sender: Any, instance: Model, action: str, pk_set: set[int] | None = None, **kwargs: Any) -> None:
    """Let a role that was given or taken work at once, from whichever side it was done."""
    if action not in SETTLED:
        return
    users = [instance] if isinstance(instance, User) else User.objects.filter(pk__in=pk_set or ())
    access_changed(*users, ends_sessions=False)


@receiver(m2m_changed, sender=Group.permissions.through, dispatch_uid="accounts.role")
def refresh_members(sender: Any, instance: Model, action: str, pk_set: set[int] | None = None, **kwargs: Any) -> None:
    """Let a role's new permissions reach its members at once."""
    if action not in SETTLED:
        return
    groups = [instance] if isinstance(instance, Group) else Group.objects.filter(pk__in=pk_set or ())
    access_changed(*User.objects.filter(groups__in=groups).distinct(), ends_sessions=False)


@receiver(user_logged_in, dispatch_uid="accounts.signed_in")
def record_console_sign_in(sender: Any, user: User, **kwargs: Any) -> None:
    identify(via="console", user_id=user.pk, username=user.username)
    audit(Action.SIGNED_IN, user=user, to="console")


@receiver(user_logged_out, dispatch_uid="accounts.signed_out")
def record_console_sign_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        audit(Action.SIGNED_OUT, user=user, to="console")


@receiver(post_save, sender=LogEntry, dispatch_uid="accounts.console")
def record_console_change(sender: type[LogEntry], instance: LogEntry, **kwargs: Any) -> None:
    """Take over what Django's admin notes of changed settings, which can be deleted there."""
    target = instance.get_edited_object() if instance.content_type and instance.action_flag in CONSOLE_ACTIONS else None
    audit(
        CONSOLE_ACTIONS.get(instance.action_flag, Action.DELETED_IN_CONSOLE),
        user=instance.user,
        target=target,
        object=f"{instance.content_type}: {instance.object_repr}",
        change=instance.get_change_message(),
    )
