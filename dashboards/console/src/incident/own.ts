// Steps of an incident that have a place of their own in the room, so that the head's bar stays short.
export const OWN_ACTIONS: readonly string[] = ['pin', 'appoint', 'tick', 'add_lesson'];
