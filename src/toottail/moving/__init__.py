"""Moving over from other programs: their configuration and state in the words of TootTail.

Pure translation: nothing here writes a file, asks a server or knows the database.
"""
