"""`earmark certs local`: a certificate for a building that has no authority of its own."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from earmark.certificates import LONGEST_DAYS, USUAL_DAYS, LocalFiles, Made, Reached, certify, own_names, reached_by
from earmark.cli.console import say, tell
from earmark.cli.flags import settings_of
from earmark.settings import Settings

certs = typer.Typer(help="Certificates, so that phones in the building get a microphone.", no_args_is_help=True)


def hang(app: typer.Typer) -> None:
    app.add_typer(certs, name="certs")


ON_DEVICES = (
    ("iPhone, iPad", "open the file, Settings > Profile Downloaded > Install; then Settings > General > About >"),
    ("", "Certificate Trust Settings, and switch it on there"),
    ("Android", "Settings > Security > Encryption & credentials > Install a certificate > CA certificate"),
    ("Windows", "double-click > Install Certificate > Trusted Root Certification Authorities"),
    ("macOS", "double-click, find it in Keychain Access, and set it to Always Trust"),
    ("Linux", "copy to /usr/local/share/ca-certificates, then: sudo update-ca-certificates"),
    ("Firefox", "Settings > Privacy & Security > View Certificates > Authorities > Import"),
)


@certs.command()
def local(
    context: typer.Context,
    name: Annotated[list[str] | None, typer.Option(help="A name by which people reach it; may be repeated.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="An address by which they do; may be repeated.")] = None,
    days: Annotated[
        int, typer.Option(min=1, max=LONGEST_DAYS, help="How long the server's certificate is valid.")
    ] = USUAL_DAYS,
    force: Annotated[
        bool, typer.Option("--force", help="A new authority in place of the one there; every device needs it.")
    ] = False,
) -> None:
    """Make an authority of one's own and a certificate for this server, in HOME/tls.

    Run again it renews the server's certificate by the same authority, so that no device need be touched.
    """
    settings = settings_of(context)
    files = LocalFiles(settings.home)
    asked = reached_by(name or [], ip or []) if name or ip else None
    made = certify(files, asked=asked, usual=usual_names(settings), days=days, force=force, now=datetime.now(UTC))
    _tell(files, made)


def usual_names(settings: Settings) -> Reached:
    """Of the address that people open, where it is set; else what this machine calls itself."""
    public = settings.public_origin
    if public is None:
        return reached_by(own_names(), [])
    host = public.host.strip("[]")
    return (
        reached_by([], [host])
        if public.host.startswith("[") or host.rpartition(".")[2].isdigit()
        else reached_by([host], [])
    )


def _tell(files: LocalFiles, made: Made) -> None:
    tell(str(files.authority))
    say(f"The server's certificate is valid until {made.until:%Y-%m-%d}, for {made.reached}.")
    say("Use it: earmark serve --tls (a server that runs takes it at its next start).")
    if not made.new_authority:
        say("The authority is the same as before; devices that have it need nothing.")
        return
    say("")
    say(f"Give {files.authority} to each device; it is no secret. {files.authority_key} is: it never leaves here.")
    for device, steps in ON_DEVICES:
        say(f"  {device:<13} {steps}")
