"""`earmark users`: accounts kept here, roles, groups. Whoever may use this home on the command line may do this."""

import sys
from typing import Annotated

import typer

from assistant.access import keeping_people, people
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.event import COMMAND_LINE
from assistant.errors import BadInput
from earmark.build import House, open_house
from earmark.cli.console import say, tell, tell_json, tell_table
from earmark.cli.flags import settings_of

users = typer.Typer(no_args_is_help=True, help="People who sign in: accounts kept here, roles, groups.")


def hang(app: typer.Typer) -> None:
    app.add_typer(users, name="users")


Name = Annotated[str, typer.Argument(help="The name to sign in with, the mail address, or the id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What the person is to Earmark.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group to be in; made where there is none.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin; else one is made up.")]


@users.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: RoleOption = Role.EMPLOYEE,
    group: Groups = None,
    mail: Annotated[str, typer.Option("--mail", help="Where mails to the person go.")] = "",
    password_stdin: FromStdin = False,
) -> None:
    """Make an account. Prints the password that was made up, once."""
    given = _password_from_stdin() if password_stdin else None
    with open_house(settings_of(context)) as house:
        person, password = keeping_people.add_account(
            house.database, COMMAND_LINE, name, role=role, email=mail, groups=group or (), password=given
        )
    say(f"{person.name} may sign in as {role.value}")
    _show_made_up(password, password_stdin)


@users.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """Everybody who may sign in, or could."""
    with open_house(settings_of(context)) as house, house.database.read() as session:
        everybody = people.list_people(session)
        groups = {group.id: group.name for group in people.list_groups(session)}
    if as_json:
        tell_json([_document(person, groups) for person in everybody])
        return
    rows = [
        (
            person.name,
            person.role.value,
            person.state.value,
            ", ".join(sorted(groups[each] for each in person.groups)),
            "here" if person.is_local else "provider",
            f"{person.signed_in_at:%Y-%m-%d %H:%M}" if person.signed_in_at else "never",
        )
        for person in everybody
    ]
    tell_table(("name", "role", "", "groups", "signs in", "last"), rows)


@users.command("role")
def role(context: typer.Context, name: Name, role: Annotated[Role, typer.Argument(help="The new role.")]) -> None:
    """Change what somebody is; counts from the next request on."""
    with open_house(settings_of(context)) as house:
        person = _named(house, name)
        keeping_people.change_role(house.database, COMMAND_LINE, person.id, role)
    say(f"{person.name} is {role.value} now")


@users.command("groups")
def groups(context: typer.Context, name: Name, group: Groups = None) -> None:
    """Set the groups that somebody is in, besides those that the provider tells; without --group there are none."""
    with open_house(settings_of(context)) as house:
        person = _named(house, name)
        keeping_people.set_groups(house.database, COMMAND_LINE, person.id, group or ())
    say(f"{person.name} is in {', '.join(group) if group else 'no group'} now")


@users.command("mail")
def mail(
    context: typer.Context,
    name: Name,
    address: Annotated[str, typer.Argument(help="The new address; none takes the old one away.")] = "",
) -> None:
    """Set where mails to somebody go who signs in with a password of ours."""
    with open_house(settings_of(context)) as house:
        person = _named(house, name)
        keeping_people.change_email(house.database, COMMAND_LINE, person.id, address)
    say(f"mails to {person.name} go to {address} now" if address else f"no mails go to {person.name} now")


@users.command("suspend")
def suspend(
    context: typer.Context,
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Keep somebody out from the next request on: sessions and tokens are gone."""
    with open_house(settings_of(context)) as house:
        person = _named(house, name)
        act = keeping_people.let_in_again if undo else keeping_people.suspend
        act(house.database, COMMAND_LINE, person.id)
    say(f"{person.name} may sign in again" if undo else f"{person.name} is out")


@users.command("reset")
def reset(context: typer.Context, name: Name, password_stdin: FromStdin = False) -> None:
    """Give somebody a new password; sessions with the old one end."""
    given = _password_from_stdin() if password_stdin else None
    with open_house(settings_of(context)) as house:
        person, password = keeping_people.give_new_password(
            house.database, COMMAND_LINE, _named(house, name).id, password=given
        )
    say(f"{person.name} has a new password")
    _show_made_up(password, password_stdin)


def _named(house: House, name: str) -> Person:
    with house.database.read() as session:
        return people.named(session, name)


def _password_from_stdin() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise BadInput("no password came on stdin", "pipe it in, or leave --password-stdin out")
    return line


def _show_made_up(password: str, from_stdin: bool) -> None:
    if not from_stdin:
        say("password, shown this once:")
        tell(password)


def _document(person: Person, groups: dict[str, str]) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "role": person.role.value,
        "state": person.state.value,
        "groups": sorted(groups[each] for each in person.groups),
        "local": person.is_local,
        "created_at": person.created_at.isoformat(),
        "signed_in_at": person.signed_in_at.isoformat() if person.signed_in_at else None,
    }
