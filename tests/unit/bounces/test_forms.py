"""Bounces in words, in the manner of programs that the corpus has none of."""

import pytest

from service.bounces import report
from service.bounces.findings import Form
from tests.support.returned_mails import DAEMON, bounce, letter
from tests.support.returned_mails import report as report_of

FORMS = {
    "interscan": letter(
        """
 Do not reply to this message.

 The reply address of this message is invalid.

 Sent >>> RCPT TO:<reader@example.org>
 Received <<< 550 5.1.1 <reader@example.org>... user unknown

 Unable to deliver message to <reader@example.org>.
""",
        author="InterScan MSS <notify@mx.example.net>",
        subject="Mail could not be delivered",
    ),
    "mailmarshal": letter(
        """
Your message:
   From:    memo@news.example.org
   Subject: Your memo

Could not be delivered because of

550 5.1.1 User unknown

The following recipients were affected:
    reader@example.org

Additional Information
======================
Original Sender:    <memo@news.example.org>
""",
        author="postmaster@mx.example.net",
        subject='Undeliverable Mail: "Your memo"',
    ),
    "communigate": letter(
        """
Failed to deliver to '<reader@example.org>'
SMTP module(domain example.org) reports:
 mail server mx.example.org says:
 550 5.1.1 no such account
""",
        author="<MAILER-DAEMON@mx.example.net>",
        subject="Undeliverable mail: Your memo",
    ),
    "zimbra": bounce("""
This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<reader@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1
    <reader@example.org>: Recipient address rejected: example.org (in reply
    to RCPT TO command)
"""),
    "groupwise": letter(
        """
The message that you sent was undeliverable to the following:
	reader@example.org (user not found)

Possibly truncated original message follows:
""",
        author="Mailer-Daemon@gw.example.net",
        subject="Message status - undeliverable",
    ),
    "mdaemon": letter(
        """
The attached message had PERMANENT fatal delivery errors!

After one or more unsuccessful delivery attempts the attached message has been removed from the mail queue on this server.

--- Session Transcript ---
 Session 1234; child 0001
 --> MAIL From:<memo@news.example.org>
 <-- 250 OK
 --> RCPT To:<reader@example.org>
 <-- 550 5.1.1 <reader@example.org>... User unknown
 --> QUIT
--- End Transcript ---

Failed address: reader@example.org
""",
        author="MDaemon@mx.example.net",
        subject="Permanent Delivery Failure",
    ),
    "exchange-de": letter(
        """
Fehler bei der Nachrichtenzustellung an folgende Empfaenger oder Gruppen:

reader@example.org
Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.

Diagnoseinformationen fuer Administratoren:

Generierender Server: mx.example.org

reader@example.org
#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##
""",
        author="Microsoft Outlook <postmaster@example.org>",
        subject="Unzustellbar: Your memo",
    ),
    "icloud": bounce(
        """
This report relates to a message you sent with the following header fields:

  Message-id: <42.7@news.example.org>
  Date: Fri, 1 May 2026
  From: memo@news.example.org
  To: reader@example.org
  Subject: memo

Your message cannot be delivered to the following recipients:

  Recipient address: reader@example.org
  Reason: Remote SMTP server has rejected address
  Diagnostic code: smtp;550 5.1.1 <reader@example.org>: user unknown
  Remote system: dns;mx.example.org (TCP|1.2.3.4|1|5.6.7.8|25)
""",
        subject="Delivery Notification: Delivery has failed",
    ),
    "kerio": letter(
        """
Your message to <reader@example.org>, could not be delivered.

The mail server said: 552 5.2.2 mailbox is full
""",
        author="Mail Delivery Subsystem <mailer-daemon@mx.example.net>",
        subject="Undeliverable",
    ),
    "smartermail": letter(
        """
Could not deliver message to the following recipient(s):

Failed Recipient: reader@example.org
Reason: Remote host said: 550 5.1.1 unknown recipient

   -- The header and top 20 lines of the message follows --
Received: from x
""",
        author="System Administrator <postmaster@mx.example.net>",
        subject="Delivery Failure",
    ),
    "barracuda": letter(
        """
**Your message has been blocked**
Your message to: reader@example.org
was blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:

Subject: Your memo
""",
        author="Email Security Service <postmaster@mx.example.net>",
        subject="**Message you sent blocked by our bulk email filter**",
    ),
    "office365html": letter(
        """<html><body><p>Your message to reader@example.org couldn't be delivered.</p><p>reader wasn't found at example.org.</p>
<p>550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup</p></body></html>""",
        author="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>",
        subject="Undeliverable: Your memo",
        Content_Type="text/html",
    ),
    "french": letter(
        """
Votre message n'a pas pu etre remis aux destinataires suivants :

<reader@example.org> : 550 5.1.1 utilisateur inconnu
""",
        author="Postmaster <postmaster@mx.example.fr>",
        subject="Message non remis",
    ),
    "spanish": bounce(
        """
No se pudo entregar el mensaje a:

reader@example.org

El servidor dijo: 550 5.1.1 usuario desconocido
""",
        subject="Mensaje no entregado",
    ),
    "aws-delay": bounce(
        """
An error occurred while trying to deliver the mail to the following recipients:
reader@example.org

The delivery has been delayed. We will keep trying.
""",
        subject="Delivery Status Notification (Delay)",
    ),
    "smail": letter(
        """
        |------------------------- Message log follows: -------------------------|
         no valid recipients were found for this message
        |------------------------- Failed addresses follow: ---------------------|
         <reader@example.org> ... unknown user
        |------------------------- Message text follows: ------------------------|
        """,
        author="<postmaster@mx.example.net>",
        subject="mail failed, returning to sender",
    ),
    "domino": letter(
        """
        Your message

          Subject: Your memo

        was not delivered to:

          reader@example.org

        because:

          User reader (reader@example.org) not listed in Domino Directory
        """,
        author="<postmaster@mx.example.net>",
        subject="DELIVERY FAILURE: User reader not listed in Domino Directory",
    ),
    "one-error": letter(
        """
        We had trouble delivering your message. Full details follow:

        Subject: 'Your memo'
        Date: 'Fri, 1 May 2026 06:00:00 +0000'

        1 error(s):

        SMTP Server <mx.example.org> rejected recipient <reader@example.org>
          (Error following RCPT command). It responded as follows: [550 5.1.1 User unknown]
        """,
        author="<MAILER-DAEMON@mx.example.net>",
        subject="There was an error sending your mail",
    ),
    "bracketed": letter(
        """
        Delivery has failed to these recipients or distribution lists:
        Server "192.0.2.1:25" returned an error:
            * [reader@example.org]: 550 reader@example.org...User account is overquota
        Original message details:
            * From: memo@news.example.org
        """,
        author="MAILER-DAEMON <mailer-daemon@mx.example.net>",
        subject="Undeliverable: Your memo",
        Auto_Submitted="auto-replied",
    ),
    "typed": letter(
        """
        The following recipient(s) could not be reached:

            Recipient: [SMTP:reader@example.org]
            Reason: Remote SMTP Server Returned: 550 mailbox unavailable or not local.
        """,
        author="Delivery Subsystem <POSTMASTER@mx.example.net>",
        subject="Message Delivery Failure",
        Auto_Submitted="auto-replied",
    ),
    "generated-from": letter(
        """
        The following address(es) failed:

          an undisclosed address
            (generated from reader@example.org)
            554 Message looping (received 6 times)
        """,
        author=DAEMON,
        subject="Mail delivery failed: returning message to sender",
        Auto_Submitted="auto-generated",
    ),
    "local-mailbox": letter(
        """
        К сожалению, Ваше письмо не может быть доставлено:

          Message was not accepted -- invalid mailbox.
         Local mailbox reader@example.org is unavailable: user not found
        """,
        author=DAEMON,
        subject="Mail failure.",
        Auto_Submitted="auto-replied",
    ),
    "sieve": report_of(
        "Reporting-UA: mx.example.org; Dovecot\nFinal-Recipient: rfc822; reader@example.org\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\n",
        words="Your message to <reader@example.org> was automatically rejected:\nQuota exceeded\n",
        kind="disposition-notification",
    ),
    "carried": letter(
        "This e-mail is confidential. Our policy is strict.\n\n--=_c\nContent-Type: message/rfc822\n\n"
        + report_of("Final-Recipient: rfc822; reader@example.org\nAction: failed\nStatus: 5.1.1\n").decode()
        + "\n--=_c--\n",
        author=DAEMON,
        subject="Delivery Status Notification (Failure)",
        Content_Type='multipart/mixed; boundary="=_c"',
    ),
}
OTHERWISE = {
    "bracketed": ("transient", ""),
    "typed": ("strike", ""),
    "generated-from": ("transient", ""),
    "local-mailbox": ("strike", ""),
    "sieve": ("transient", ""),
    "groupwise": ("strike", ""),
    "smail": ("strike", ""),
    "domino": ("permanent", ""),
    "kerio": ("transient", "5.2.2"),
    "barracuda": ("sender", ""),
    "aws-delay": ("delay", ""),
    "office365html": ("permanent", "5.1.10"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_recipient_and_what_is_said_of_it_are_found(name: str) -> None:
    told = report.read(FORMS[name])
    (found,) = told.findings
    form = Form.DSN if name in {"sieve", "carried"} else Form.TEXT
    assert (told.form, found.recipient) == (form, "reader@example.org")
    assert (found.kind, found.status) == OTHERWISE.get(name, ("permanent", "5.1.1"))
