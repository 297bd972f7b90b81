"""Floor 2: the client of Polyv's API. Polyv's own spellings (``appId``, ``expireDays``) stay in here."""
