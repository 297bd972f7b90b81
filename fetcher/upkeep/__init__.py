"""Looking after what is there: read finished files again, mend what is damaged, clear away what nobody needs."""
