"""What servers say of us, our address or the content in words of their own: asked only where no other row knew the reply."""

_CONTENT = (
    r"unsolicited|content filter|message filtered|(message|mail) content|(unacceptable|banned|forbidden) content|bulk (e-?)?mail"
    r"|executable files|password protected|header error|no [\w-]+ (field|header) |line (length )?limit"
    r"|organi[sz]ation(al)? (settings|policy)"
)
_SENDER = (
    r"(invalid|bad|bogus|unknown|null|empty|unverified) (envelope )?(sender|mail from)|emetteur invalide|envelope senders? not"
    r"|sender (is )?(not|invalid|isn't)|sender isn't|\bbatv\b|backscatter|not pre-?approved|list of senders|not owned by"
    r"|valid-address-filter|fully qualified e?-?mail|(not|n't) (accept|accepting) (any )?((e-?)?mails?|messages) (from|with)"
    r"|not (allowed|permitted|authori[sz]ed) to (connect|post|send|submit)|not subscribed to|members?-only|non-?member"
    r"|closed (mailing )?(list|group)|access to submit|max(imum)? e-?mails per|e-?mails per (hour|day)"
)
_HOST = (
    r"(forbidden|rejected|refused) (by|from|for) your|your (access )?(ip|host|server|network)\b|dynamic ip|\bgo away\b"
    r"|no access from|use the smtp server of|confirm this mail server|(cannot|can't) resolve your|name lookup failed"
    r"|\bdenied\b|\babus(e|ive)\b|dial-?up|your location|too many bounces|domainkeys|requires that you|(refused|rejected) by"
    r"|^(the )?(mail|message|transaction|connection) (was |has been )?(refused|rejected)"
    r"|unverif\w+ sending|rfc ?1035|authentication|insecure mail relay"
)
_RELAYING = (
    r"as a relay|no longer relays|relaying (mail )?to|(don't|do not|not) handle mail for|not a gateway|not configured to relay|no relaying"
    r"|specified domain is not allowed"
)
ABOUT_US = f"{_CONTENT}|{_SENDER}|{_HOST}|{_RELAYING}"
