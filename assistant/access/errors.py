"""Why somebody was not let in."""

from enum import StrEnum

from assistant import errors
from assistant.errors import PartDown

NOT_SIGNED_IN = ("you could not be signed in", "go back to the sign-in page and try again")
"""One sentence for whatever was wrong: an attacker learns nothing from it."""
NO_ACCESS = ("you may not use Earmark", "ask whoever runs Earmark at your company")
PROVIDER_DOWN = (
    "your company's sign-in does not answer as it should",
    "try again in a moment; if that does not help, tell whoever runs Earmark",
)


class Refusal(StrEnum):
    """What was wrong, for the log. Holds nothing of what was sent."""

    FLOW = "the sign-in was not begun in this browser, or too long ago"
    STATE = "the state differs"
    REPLAYED = "the state was used before"
    TOKEN_IN_ADDRESS = "a token was sent in the address"  # noqa: S105  (words, no password)
    ISSUER = "the issuer differs"
    PROVIDER_REFUSED = "the provider refused"
    CODE = "the provider does not take the code"
    TOKEN = "the token cannot be read"  # noqa: S105
    ALGORITHM = "the token's algorithm is not allowed"
    KEY = "the token's key is unknown"
    SIGNATURE = "the token's signature is wrong"
    AUDIENCE = "the token is for somebody else"
    EXPIRED = "the token has expired"
    TOO_EARLY = "the token is from the future"
    NONCE = "the nonce differs"
    ACCESS_TOKEN = "the access token does not belong to the token"  # noqa: S105
    SIGNED_IN_LONG_AGO = "the person signed in too long ago"
    SUBJECT = "the subject is missing or differs"
    CLAIM = "a claim is missing or malformed"
    NOT_OURS = "a claim that all of the company have is missing"
    NO_ROLE = "no claim gives the person a role"


class SignInRefused(errors.SignInRefused):
    """By a provider, or by us of what it said. `reason`: a Refusal's words, for the log alone."""

    def __init__(self, refusal: Refusal, said: tuple[str, str] = NOT_SIGNED_IN) -> None:
        super().__init__(*said, reason=refusal.value)
        self.refusal = refusal


class ProviderDown(PartDown):
    """The provider does not answer, or not as OpenID Connect says. `reason` names the address and what was wrong."""

    kind = "provider-down"

    def __init__(self, reason: str) -> None:
        super().__init__(*PROVIDER_DOWN, reason=reason)
