"""What to do when a relay does not let us in: pure, from what happened to a sentence for whoever runs the service."""

import re
import ssl

from service.delivery import outcome
from service.delivery.outcome import Reply, Scope
from service.delivery.profiles import Profile
from service.delivery.transport import Tls

PORTS = "The usual ones are 587 with STARTTLS and 465 with implicit TLS."
TRY_LATER = "Try again later; if it stays so, ask whoever runs the relay."

# Ours and the ssl module's words for what is wrong with a certificate (OpenSSL, X509_verify_cert_error_string).
CERTIFICATES = (
    (
        r"hostname mismatch|not valid for|doesn't match",
        "It is a certificate for another host. Enter the host by the name that the certificate has.",
    ),
    (
        r"expired",
        "It has run out. Whoever runs the relay has to renew it; until then nothing is sent through it.",
    ),
    (r"not yet valid", "It begins later. Check the clocks of both machines."),
    (
        r"self.signed|unable to get (local )?issuer",
        "Nobody we trust vouches for it. If the relay has an authority of its own, give its certificate in MEMO_RELAY_CA_FILE.",
    ),
)

REPLIES = (
    (
        r"not verified|identit(y|ies) failed the check",
        "The relay does not know this sender. Verify the address or its whole domain there; while an account is in the sandbox of "
        "Amazon SES, the recipient has to be verified, too.",
    ),
    (
        r"verified sender|sender (address |identity |signature )?.{0,30}(not|un)|unconfigured sending domain|not allowed to send|"
        r"not authori[sz]ed to send from|send ?as|not owned by|from address",
        "The relay does not let this account send as this address. Confirm the sender or its domain there, or send from another.",
    ),
    (r"unauthori[sz]ed ip", "The relay does not know this server's address. Allow it there, in the settings of the account."),
    (
        r"not yet activated|account .{0,30}(suspended|disabled|blocked|inactive)|sending .{0,10}(paused|suspended|disabled)",
        "The account with the relay does not send now. Sign in there and see what it asks for.",
    ),
    (
        r"credits|quota|limit exceeded|throttl|maximum sending rate|too many (e?mails|messages)",
        "The account has sent what it may send for now. Wait, or raise its quota there.",
    ),
    (
        r"relay(ing)? (access )?(is )?denied|not permitted to relay|unable to relay|relaying not|open relay",
        "The relay does not pass mail on for us. Enter a user and a password, or have this server's address allowed there.",
    ),
    (r"starttls", "It wants TLS first. Choose STARTTLS, required."),
)  # fmt: skip


def of_connecting(error: OSError, port: int) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens there, or a firewall says no. Check the port. {PORTS}"
    if isinstance(error, TimeoutError):
        blocked = "Many hosting companies block port 25" if port == 25 else "A firewall may block this port"
        return (
            f"Nothing comes back. {blocked}: try another one that the relay offers (587, 465, 2525), or ask for it to be "
            "opened."
        )
    return "This machine has no way there. Check its network and its firewall."


def of_no_host() -> str:
    return "There is no host of this name. Check its spelling, and that this machine can look names up."


def of_greeting(tls: Tls, port: int) -> str:
    if tls != "implicit" and port == 465:
        return "On port 465 a relay waits for us to begin with TLS. Choose implicit TLS."
    return "Whatever listens there is slow, or is no mail server. Check host and port."


def of_tls(error: Exception, tls: Tls) -> str:
    text = str(error)
    if tls == "implicit" and re.search(r"WRONG_VERSION|record layer|packet length", text):
        return "This port does not begin with TLS. Choose STARTTLS, or port 465."
    if isinstance(error, ssl.SSLCertVerificationError):
        return of_certificate(text)
    if re.search(r"UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|VERSION_TOO_LOW|protocol version", text):
        return "The relay has only TLS that is too old. It has to offer TLS 1.2 or newer."
    return f"The connection could not be encrypted. {TRY_LATER}"


def of_certificate(text: str) -> str:
    found = next((advice for words, advice in CERTIFICATES if re.search(words, text, re.IGNORECASE)), "")
    return found or "The certificate cannot be trusted, so nothing is sent. Ask whoever runs the relay."


def of_no_starttls(port: int) -> str:
    return (
        f"It does not offer to encrypt on port {port}. {PORTS} Without TLS is for a relay on this machine or in your own "
        "network, and then without a password."
    )


def of_no_sign_in(is_encrypted: bool) -> str:
    if not is_encrypted:
        return "It does not take a password without TLS. Choose STARTTLS or implicit TLS."
    return "It does not ask who we are. Leave user and password empty, or use the port that is for signing in (587 or 465)."


def of_sign_in(code: int, text: str, profile: Profile) -> str:
    if (found := _by_words(text)) is not None:
        return found
    if code // 100 == 4:
        return TRY_LATER
    known = f" {profile.label}: {profile.hint}" if profile.key not in {"generic", "postfix"} else ""
    return f"The relay does not accept this user and password. Enter them again.{known}"


def of_reply(reply: Reply) -> str:
    """To a refusal of the sender, the recipient or the message."""
    text = " ".join(reply.text.split())
    if reply.code in {530, 534, 538}:
        wants_tls = re.search(r"starttls|encrypt", text, re.IGNORECASE)
        return "It wants TLS first. Choose STARTTLS, required." if wants_tls else (
            "The relay wants us to sign in. Enter the user and the password of your account there."
        )  # fmt: skip
    if (found := _by_words(text)) is not None:
        return found
    return BY_SCOPE.get(outcome.of(reply).scope, TRY_LATER)


BY_SCOPE = {
    Scope.ACCOUNT: "This is about your account with the relay: sign in there and see what it says.",
    Scope.SENDER: "The relay does not like the sender. Check the sender's domain and its SPF, DKIM and DMARC records.",
    Scope.RECIPIENT: "The relay works; it does not take this recipient. Test with another address.",
    Scope.MESSAGE: "The relay works; it does not take this message. Ask whoever runs it why.",
    Scope.OURS: "The relay did not understand us. Ask whoever runs it which commands it knows.",
}


def _by_words(text: str) -> str | None:
    return next((advice for words, advice in REPLIES if re.search(words, text, re.IGNORECASE)), None)
