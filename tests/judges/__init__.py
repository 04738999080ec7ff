"""Judges that are nobody's of ours, asked of what really leaves: `make judge`.

html-validate and the Nu Html Checker read the page of each sample edition and notice; SpamAssassin, rspamd and mailauth judge the
copy of a message that a real Postfix handed on. What they find is mended, or stands in `borne` with its reason; anything else fails,
and so does a judge who does not notice what is plainly wrong.
"""
