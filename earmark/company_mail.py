"""Mail to those who asked, from the settings: what is missing is named before anything starts."""

import ssl

from assistant.engine.loopback import is_loopback
from assistant.notices.mail import Mailing, mail_address
from assistant.notices.smtp import Security, SmtpServer
from earmark.settings import PREFIX, Settings, SettingsError


def smtp_server(settings: Settings) -> SmtpServer | None:
    """None where no mail server is set. Raises SettingsError naming what is missing or cannot be read."""
    origin = settings.public_origin
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
    if not settings.smtp_host:
        return None
    if origin is None:
        raise _missing("public_url", "a mail holds a link to the answer")
    if bool(settings.smtp_user) != bool(password):
        raise _missing("smtp_password" if settings.smtp_user else "smtp_user", "a user and a password go together")
    if password and settings.smtp_security is Security.NONE and not is_loopback(settings.smtp_host):
        raise SettingsError(
            f"setting smtp_security: none would send the password to {settings.smtp_host} in the clear",
            "use starttls or tls, or no user and password",
        )
    if settings.smtp_ca is not None:
        try:
            ssl.create_default_context(cafile=settings.smtp_ca)
        except OSError as error:
            raise SettingsError(
                f"setting smtp_ca: {settings.smtp_ca} cannot be read: {error}", "name a PEM file"
            ) from error
    return SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        own_name=origin.host,
        user=settings.smtp_user,
        password=password,
        ca_file=settings.smtp_ca,
    )


def mailing_of(settings: Settings) -> Mailing | None:
    """None where no mail server is set. Nothing is asked of it before a mail is due. Raises SettingsError."""
    server = smtp_server(settings)
    if server is None:
        return None
    if not settings.smtp_from:
        raise _missing("smtp_from", "a mail comes from somebody")
    try:
        sender = mail_address(settings.smtp_from)
    except ValueError as error:
        raise SettingsError(
            f"setting smtp_from: {settings.smtp_from!r} is no mail address", "give one such as earmark@example.com"
        ) from error
    return Mailing(server, sender, settings.public_url)


def _missing(name: str, why: str) -> SettingsError:
    return SettingsError(f"setting {name} is missing", f"smtp_host needs it, for {why}: set {PREFIX}{name.upper()}")
