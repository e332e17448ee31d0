"""/people: finds a person and shows all that is known of them; /person: the acts on one person."""

from connector.console.page import Route
from connector.console.pages.people import acts, view
from connector.console.pages.people.person_key import key_in_path, key_of, sought

ROUTES = (
    Route("/people", view.find, subject=sought, of_person=True, at_fault=view.search_at_fault),
    Route("/people/{key:path}", view.person, subject=key_in_path, of_person=True),
    Route("/person/ask", view.ask, "viewer", "POST", "show", key_of, of_person=True),
    Route("/person/resync", acts.confirm_resync, "operator", subject=key_of, of_person=True),
    Route("/person/resync", acts.resync, "operator", "POST", "resync", key_of, of_person=True),
    Route("/person/forget", acts.confirm_forget, "approver", subject=key_of, of_person=True),
    Route("/person/forget", acts.forget, "approver", "POST", "forget", key_of, of_person=True),
    Route("/person/suppress", acts.confirm_suppress, "approver", subject=key_of, of_person=True),
    Route("/person/suppress", acts.suppress, "approver", "POST", "suppress", key_of, of_person=True),
    Route("/person/unsuppress", acts.unsuppress, "approver", "POST", "unsuppress", key_of, of_person=True),
)
