# Alle Worte der Seiten auf Deutsch.

language-name = Deutsch
site-description = Holt Antworten, die dein Server nie bekommen hat, dorthin, damit Gespräche ganz sind.
skip = Zum Inhalt
version = TootTail { $version }

nav-main = Hauptmenü
nav-more = Über diesen Dienst
nav-languages = Sprachen
nav-me = Meine Gespräche
nav-settings = Einstellungen
nav-operator = Betrieb
nav-about = Wer wir sind
nav-privacy = Datenschutz
nav-status = Status
nav-support = Unterstütze uns
nav-source = Quellcode

## Startseite

front-title = Ganze Gespräche
front-heading = Sieh jede Antwort, auf deinem eigenen Server
front-lead = Kleine Server bekommen von jedem Gespräch nur einen Teil. Wir finden die Antworten, die deinem fehlen, und lassen ihn sie holen, bevor du den Beitrag öffnest.
front-server = Dein Server
front-server-hint = Der Name deines Servers, dein Handle oder ein Link zu deinem Profil.
front-sign-in = Anmelden
front-busy = Dein Server wird gefragt …
front-invite = Einladungscode
front-invite-hint = Neue Mitglieder brauchen einen. Wenn du schon dabei bist, lass das Feld leer.
front-homes = Für Mitglieder von { $homes }.
front-more = Auswählen, was gelesen wird
front-sources = Was dürfen wir lesen?
front-sources-hint = Deine Startseite genügt für den Anfang. Du kannst das jederzeit ändern, und dein Server wird nur um die Rechte gebeten, die deine Auswahl braucht.
front-promise = Du stimmst auf deinem eigenen Server zu. Wir sehen nie dein Passwort, schreiben nichts in deinem Namen, und mit einem Klick bist du wieder weg.
front-detail = Was genau schiefging
front-to-me = Zu den Gesprächen von { $handle }

sign-ups-open = Neue Mitglieder sind willkommen.
sign-ups-invite = Neue Mitglieder brauchen einen Einladungscode.
sign-ups-closed = Zurzeit werden keine neuen Mitglieder aufgenommen. Wenn du schon dabei bist, melde dich an wie immer.
sign-ups-full = Zurzeit sind alle Plätze vergeben. Wenn du schon dabei bist, melde dich an wie immer.

picture-origin = Wo es geschrieben wurde
picture-before = Auf deinem Server, vorher
picture-after = Auf deinem Server, nachher
picture-origin-words = Jemand fragt, und Leute auf sieben Servern antworten.
picture-before-words = Nur die Antworten, die zufällig zugestellt wurden.
picture-after-words = Der Rest wird geholt, an seinen Platz.
picture-count = { $here } von { $all }
picture-told = Ein Gespräch in drei Ansichten. Wo es geschrieben wurde, hat es { $all } Beiträge. Auf deinem Server sind vorher { $before } davon, nachher alle { $all }.

how-heading = So geht es
how-1-heading = Du meldest dich mit deinem Server an
how-1 = Er fragt dich, ob wir deine Timeline lesen und die Suche benutzen dürfen. Niemand muss etwas installieren, du nicht und deine Admins auch nicht.
how-2-heading = Wir fragen dort, wo es geschrieben wurde
how-2 = Die Gespräche in deiner Timeline werden auf den Servern gelesen, von denen sie kommen, jedes einmal für alle hier, und mit Rücksicht.
how-3-heading = Dein Server holt den Rest
how-3 = Er erfährt von den Antworten, die ihm fehlen, und holt sie selbst von den Servern, auf denen sie geschrieben wurden. Du liest in deiner gewohnten App weiter.
how-more = Mehr dazu: { $privacy }was gespeichert wird und wie lange{ $end }, und { $about }wie du uns von deinem Server fernhältst{ $end }.

numbers-heading = Dieser Dienst heute
numbers-members = Mitglieder
numbers-homes = Server von Mitgliedern
numbers-conversations = Beobachtete Gespräche
numbers-hour = Heimgeholte Antworten in der letzten Stunde
numbers-day = Heimgeholte Antworten am letzten Tag
numbers-delay = Vom Schreiben bis zum Heimholen, im Median
numbers-no-delay = noch nicht gemessen

done-signed_out = Du bist abgemeldet. Deine Gespräche werden weiter vervollständigt.
done-left = Du bist nicht mehr dabei. Alles, was über dich gespeichert war, ist gelöscht, und dein Server hat bestätigt, dass unser Zugang beendet ist.
done-left_unconfirmed = Du bist nicht mehr dabei, und alles, was über dich gespeichert war, ist gelöscht. Dein Server hat nicht bestätigt, dass unser Zugang beendet ist: Sieh dort in deinen Einstellungen bei den autorisierten Apps nach.

problem-no_server = Gib den Namen deines Servers ein, zum Beispiel example.social.
problem-invalid_server = „{ $server }“ ist kein Name eines Servers. Gib etwas ein wie example.social oder @du@example.social.
problem-unreachable = Dieser Server antwortet nicht. Stimmt der Name? Wenn ja, versuch es später noch einmal.
problem-not_a_home = Unter diesem Namen gibt es keinen Server des Fediverse, den wir bedienen könnten.
problem-unsupported = Auf diesem Server läuft ein Programm, das wir noch nicht bedienen können.
problem-home_not_listed = Mitglieder dieses Servers können sich hier nicht anmelden.
problem-blocked = Dieser Server möchte in Ruhe gelassen werden oder ist hier gesperrt.
problem-closed = Zurzeit werden keine neuen Mitglieder aufgenommen.
problem-invite_needed = Neue Mitglieder brauchen einen Einladungscode. Gib deinen unten ein.
problem-invite_invalid = Dieser Einladungscode ist unbekannt, aufgebraucht oder zu alt.
problem-full = Zurzeit sind alle Plätze vergeben. Versuch es ein andermal wieder.
problem-denied = Du hast auf deinem Server abgelehnt, also ist nichts geschehen. Versuch es wieder, wann immer du magst.
problem-expired = Die Anmeldung hat zu lange gedauert oder wurde in einem anderen Browser begonnen. Bitte fang noch einmal an.
problem-scopes = Dein Server hat uns weniger Rechte gegeben, als wir zum Lesen deiner Timeline brauchen. Bitte versuch es noch einmal und erlaube, was dort steht.
problem-home_failed = Dein Server hat die Anmeldung nicht abgeschlossen. Versuch es später noch einmal.
problem-not_signed_in = Bitte melde dich zuerst an.
problem-too_many_attempts = Das war zu oft. Warte ein paar Minuten und versuch es noch einmal.
problem-unknown = Aus der Anmeldung ist nichts geworden. Bitte versuch es noch einmal.

## Quellen

source-home = Startseite
source-lists = Alle deine Listen
source-list = Die Liste
source-notifications = Mitteilungen
source-bookmarks = Lesezeichen
source-favourites = Favoriten
source-replied = Wo du geantwortet hast
source-hashtags = Hashtags, denen du folgst
source-hashtag = Der Hashtag
source-followings = Leute, denen du folgst
source-followers = Leute, die dir folgen
source-follow_requests = Leute, die dir folgen möchten
source-list_accounts = Leute auf deinen Listen
source-notifiers = Leute in deinen Mitteilungen
source-mentioned = Leute, die erwähnt werden
source-boosted = Leute, die geteilt werden
source-account = Das Konto

gives-home = Die Gespräche zu den neuesten Beiträgen in deiner Timeline.
gives-lists = Die Gespräche in den Timelines deiner Listen.
gives-list = Die Gespräche in ihrer Timeline.
gives-notifications = Die Gespräche zu Beiträgen in deinen Mitteilungen.
gives-bookmarks = Die Gespräche, auf die du Lesezeichen gesetzt hast.
gives-favourites = Die Gespräche zu Beiträgen, die du favorisiert hast.
gives-replied = Die Gespräche, an denen du teilgenommen hast.
gives-hashtags = Die neuesten Beiträge dazu, von Servern, die der Betrieb nennt.
gives-hashtag = Die neuesten Beiträge dazu, von Servern, die der Betrieb nennt.
gives-followings = Die neuesten Beiträge derer, denen du zuletzt gefolgt bist.
gives-followers = Die neuesten Beiträge derer, die dir zuletzt gefolgt sind.
gives-follow_requests = Ihre neuesten Beiträge, damit du dich entscheiden kannst.
gives-list_accounts = Ihre neuesten Beiträge.
gives-notifiers = Ihre neuesten Beiträge.
gives-mentioned = Die neuesten Beiträge derer, die in den gelesenen Timelines erwähnt werden.
gives-boosted = Die neuesten Beiträge derer, die in den gelesenen Timelines geteilt werden.
gives-account = Seine neuesten Beiträge.

source-entries = Die neuesten { $count } werden gelesen
source-read = zuletzt gelesen { $when }
source-lacks = Das hat dein Server noch nicht erlaubt ({ $scopes }).
source-again = Neu anmelden und erlauben
source-off = Nach { $when } wird es wieder versucht.

## Die Seite eines Mitglieds

me-title = Meine Gespräche
me-heading = Deine Gespräche
me-sign-in-again = Neu anmelden
me-pause = Pause machen
me-resume = Weitermachen
me-pause-hint = In einer Pause wird für dich nichts gelesen und nichts geholt. Gelöscht wird auch nichts.

state-working = Bei der Arbeit
state-paused = Pause
state-token_refused = Dein Server lässt uns nicht mehr hinein
state-home_fails = Dein Server antwortet nicht
state-asleep = Im Schlaf
state-short-working = bei der Arbeit
state-short-paused = Pause
state-short-token_refused = Token abgelehnt
state-short-home_fails = Server antwortet nicht
state-short-asleep = schläft
state-told-working = Deine Gespräche werden vervollständigt.
state-told-paused = Für dich wird nichts gelesen und nichts geholt, bis du weitermachst.
state-told-operator = Wer diesen Dienst betreibt, hat dein Konto angehalten. Bitte melde dich dort.
state-told-token_refused = { $home } hat unseren Zugang beendet. Melde dich neu an, um weiterzumachen, oder verlass den Dienst.
state-told-home_fails = { $home } antwortet seit einer Weile nicht. Wir machen weiter, sobald der Server wieder da ist.
state-told-asleep = Wir hatten dich seit zwei Monaten nicht lesen sehen, darum wurde für dich nichts mehr gelesen. Mach weiter, wann du willst.
state-delete = Wenn sich nichts ändert, wird alles, was über dich gespeichert ist, am { $when } gelöscht.

run-heading = Dein erster Lauf
run-collecting = Deine Timeline wird gelesen …
run-bringing = Gespräche werden vervollständigt …
run-done = Fertig. Deine Gespräche findest du unten.
run-read = Gelesene Beiträge
run-conversations = Gespräche
run-finished = davon fertig
run-found = Gefundene Antworten
run-delivered = Heimgeholt
run-hint = Du kannst diese Seite schließen: Die Arbeit geht auch ohne sie weiter.
run-refresh = Nachsehen, wie weit es ist
run-waiting = { $count ->
    [one] Wartet auf einen Server
   *[other] Wartet auf { $count } Server
}
run-waiting-for = { $host }: wird wieder gefragt { $when }

totals-heading = In Zahlen
totals-delivered = Heimgeholte Antworten
totals-whole = Ganze Gespräche
totals-of = { $whole } von { $all }
totals-were = Antworten, die schon da waren
totals-not = Vergeblich angefragt

days-heading = Heimgeholte Antworten pro Tag
days-none = Noch keine. Sobald es welche gibt, siehst du sie hier.
days-told = Balken für die letzten 30 Tage: { $total ->
    [one] eine Antwort
   *[other] { $total } Antworten
} insgesamt, höchstens { $top } an einem Tag.
days-top = Höchstwert: { $top }
days-table = Als Tabelle
days-day = Tag (UTC)
days-delivered = Antworten

list-heading = Gespräche
list-filters = Welche Gespräche
which-all = Alle
which-working = In Arbeit
which-gaps = Mit Lücken
which-whole = Ganze
key-were = waren da
key-brought = heimgeholt
key-waiting = unterwegs
row-heading = { $host }
row-seen = gesehen { $when }
row-count = { $were } von { $all } waren da, jetzt { $here }
row-bar = { $here } von { $all } sind da
row-working = in Arbeit
row-waiting = { NUMBER($count) } unterwegs
row-not = { NUMBER($count) } vergeblich angefragt
row-out = { NUMBER($count) } außer Reichweite
row-local = Auf deinem Server öffnen
list-none-yet = Noch nichts da. Gespräche erscheinen hier, sobald deine Timeline gelesen wird.
list-none-such = Davon gibt es keine.
list-paging = Weitere Seiten
list-first = Zurück zu den neuesten
list-next = Ältere
find-label = Was wurde aus einem bestimmten Beitrag? Füge seine Adresse ein
find-button = Nachsehen
find-none = Hier ist kein Gespräch von dir mit diesem Beitrag bekannt.

hosts-heading = Server, die nichts verraten haben
hosts-lead = Von diesen Servern war nichts zu lesen. Manche wollen das so, und das wird geachtet.
hosts-host = Server
hosts-why = Warum
hosts-conversations = Gespräche
hosts-again = Wieder gefragt
hosts-never = nicht von selbst

## Einstellungen

settings-title = Einstellungen
settings-heading = Einstellungen
settings-saved = Gespeichert.
settings-save = Speichern
settings-bad-sources = Das ließ sich nicht speichern.
sources-heading = Was für dich gelesen wird
sources-lead = Jede davon führt zu Gesprächen oder Leuten, deren Beiträge auf deinem Server vervollständigt werden.
sources-further = Etwas anderes
sources-further-label = Weitere Quellen
sources-further-hint = Mit Kommas getrennt, zum Beispiel list:Freunde, account:@ann@example.social oder home=400 für die neuesten 400.
pause-heading = Pause
data-heading = Deine Daten
data-lead = Die Datei enthält alles, was über dich gespeichert ist, außer unserem Schlüssel zu deinem Konto: Den bekommt niemand zu sehen.
data-export = Alles herunterladen
data-leave = Verlassen …
session-heading = Dieser Browser
session-lead = Abmelden beendet nur den Besuch mit diesem Browser. Deine Gespräche werden weiter vervollständigt.
session-sign-out = Abmelden
session-everywhere = Überall abmelden

## Verlassen

leave-title = Verlassen
leave-heading = Möchtest du den Dienst verlassen?
leave-lead = Es gilt sofort und lässt sich nicht zurücknehmen. Du kannst dich jederzeit wieder anmelden und fängst dann neu an.
leave-deleted = Was gelöscht wird
leave-account = Dein Name hier: { $handle }
leave-token = Unser Zugang zu deinem Konto. { $home } wird aufgefordert, ihn zu beenden.
leave-sources = Was für dich gelesen wird und wie weit
leave-conversations = { $count ->
    [0] Die Liste deiner Gespräche
    [one] Der Vermerk, dass du ein Gespräch gesehen hast
   *[other] Der Vermerk, dass du { NUMBER($count) } Gespräche gesehen hast
}
leave-sessions = Alle deine Besuche hier, in jedem Browser
leave-stays = Was bleibt
leave-stays-told = Die Antworten, die { $home } geholt hat, bleiben dort. Sie gehören deinem Server.
leave-button = Verlassen und alles löschen
leave-stay = Bleiben
leave-pause = Nur gerade genug davon? Du kannst auch eine { $link }Pause machen{ $end }.

## Ein Gespräch

talk-title = Ein Gespräch von { $host }
talk-back = ← Alle Gespräche
talk-heading = Ein Gespräch von { $host }
talk-lead = So, wie { $home } es hat.
talk-looked = Zuletzt angesehen { $when }.
talk-not-looked = Noch nicht angesehen.
talk-next = Das nächste Mal: { $when }.
talk-origin = Wo es geschrieben wurde
talk-problem = Zuletzt ging dabei etwas schief:
talk-summary = In Kürze
asked-heading = { $count ->
    [one] Ein Server wurde gefragt
   *[other] { $count } Server wurden gefragt
}
asked-told = { $answered ->
    [one] eine Frage beantwortet
   *[other] { $answered } Fragen beantwortet
}, { $open ->
    [0] keine offen
    [one] eine offen
   *[other] { $open } offen
}.
texts-too-many = Die Texte fehlen: Zuletzt wurden viele Gespräche geöffnet, und öfter wird dein Server nicht gefragt. In ein paar Minuten sind sie wieder zu lesen.
texts-home-failed = Die Texte fehlen: { $home } hat sie gerade nicht gezeigt.
tree-heading = Beitrag für Beitrag
tree-earlier = Frühere
tree-later = { $left ->
    [one] Noch einer
   *[other] Noch { $left }
}
leaf-level = Ebene { $level }
leaf-somebody = Jemand auf { $host }
leaf-brought = Heimgeholt { $when }
leaf-again = Wieder angefragt nach { $when }
leaf-loose = Eine Antwort auf etwas Unbekanntes
leaf-written = Geschrieben { $when }
leaf-link = Auf { $host }

verdict-at_home = war schon da
verdict-delivered = heimgeholt
verdict-unattached = geholt, noch nicht am Platz
verdict-not_obtained = vergeblich angefragt
verdict-unreachable = außer Reichweite
verdict-opted_out = möchte in Ruhe gelassen werden
verdict-not_yet = noch nicht da

## Wer wir sind

about-title = Wer wir sind
about-heading = Wer wir sind und wie du uns fernhältst
about-lead = { $name } vervollständigt Gespräche für Mitglieder kleiner Server. Wenn du einen Server betreibst, hast du uns vielleicht in deinem Protokoll gesehen. Diese Seite ist für dich.
about-asks = Wir lesen robots.txt und nodeinfo einmal am Tag, dazu öffentliche und nicht gelistete Gespräche, die ein Mitglied in einer Timeline hat, jedes einmal für alle hier. Beiträge nur für Follower und Direktnachrichten werden nie angefragt, und was Beiträge sagen, wird nicht aufbewahrt.
about-contact = Schreib uns: { $link }{ $name }{ $end }
known-heading = Woran du uns erkennst
known-user-agent = User-Agent
known-robots = Name in robots.txt
known-actor = Actor, der Anfragen unterschreibt
known-addresses = Adressen
limits-heading = Wie viel wir fragen
limits-headers = Wenn du X-RateLimit-Header schickst: höchstens 80 % deines Limits.
limits-silent = Wenn du keine schickst: höchstens 120 Anfragen in 5 Minuten.
limits-429 = Nach 429 oder 503 mit Retry-After kommen wir zu dieser Zeit wieder und nicht vorher; ohne Angabe warten wir jedes Mal länger.
limits-crawl = Ein Crawl-delay in robots.txt wird eingehalten.
block-heading = Wie du uns sperrst
block-lead = Schreib dies in deine robots.txt. Es gilt für alles, was wir fragen, und wird einmal am Tag neu gelesen:
block-refuse = Oder antworte uns mit 403: Nach sechs solchen Antworten wird stundenlang nichts gefragt, dann tagelang.
block-actor = Oder sperre die Domain { $host }, wenn dein Server unterschriebene Anfragen verlangt.
block-people = Wer „nobot“ ins Profil schreibt, wird überall in Ruhe gelassen.
opt-out-heading = In Ruhe gelassen werden
opt-out-lead = Wenn deine robots.txt uns nennt oder auf deinem Server eine Datei { $path } liegt, gilt es sofort. Sonst entscheidet ein Mensch.
opt-out-host = Dein Server
opt-out-contact = Wie wir dich erreichen
opt-out-contact-hint = Ein Konto oder eine Mailadresse, nur für Fragen dazu. Du kannst das Feld leer lassen.
opt-out-words = Was du noch sagen möchtest
opt-out-button = Lasst meinen Server in Ruhe
opt-out-done = Erledigt: Ab jetzt wird dieser Server nichts mehr gefragt.
opt-out-asked = Danke. Der Server sagt es nicht selbst, darum sieht sich ein Mensch deinen Wunsch an.
opt-out-bad = Das ist kein Name eines Servers. Gib etwas ein wie example.social.

## Datenschutz

privacy-title = Datenschutz
privacy-heading = Was gespeichert wird und wie du es loswirst
privacy-lead = So wenig wie möglich. Kein Text irgendeines Beitrags, keine Werbung, nichts wird weitergegeben.
privacy-members = Über Mitglieder
privacy-what = Was
privacy-why = Wozu
privacy-long = Wie lange
privacy-account = Dein Handle, die Nummer deines Kontos, dein Server
privacy-account-why = um zu wissen, wessen Gespräche das sind
privacy-account-long = bis du gehst
privacy-token = Unser Schlüssel zu deinem Konto, verschlüsselt
privacy-token-why = um zu lesen, was du ausgewählt hast, und deinen Server Antworten holen zu lassen
privacy-token-long = bis du gehst, oder { $days ->
    [one] einen Tag
   *[other] { $days } Tage
}, nachdem dein Server ihn beendet hat
privacy-sources = Was für dich gelesen wird und wie weit, und wann du zuletzt zu Hause gelesen hast
privacy-sources-why = um dort weiterzumachen, wo wir waren, und um deinen Server weniger zu fragen, solange du weg bist
privacy-sources-long = bis du gehst
privacy-conversations = Welche Gespräche in deinen Timelines waren
privacy-conversations-why = um sie zu vervollständigen und dir zu zeigen
privacy-conversations-long = 30 Tage, nachdem sie zuletzt zu sehen waren, höchstens bis du gehst
privacy-deliveries = Welche Antworten dein Server hat oder nicht hat
privacy-deliveries-why = um jede nur einmal anzufragen
privacy-deliveries-long = solange jemand von euch auf deinem Server das Gespräch in dieser Tabelle hat
privacy-session = Dass dein Browser angemeldet ist und wann du zuletzt da warst
privacy-session-why = damit du dich nicht auf jeder Seite anmelden musst, und um zu sehen, ob das noch jemand möchte
privacy-session-long = 30 Tage nach dem letzten Besuch oder bis du dich abmeldest
privacy-leave = Du kannst { $link }jederzeit gehen{ $end }. Alles über dich in dieser Tabelle wird dann sofort gelöscht, und dein Server wird aufgefordert, unseren Zugang zu beenden. Was dein Server hat oder nicht hat, geht mit dem letzten Mitglied von dort.
privacy-texts = Texte von Beiträgen
privacy-texts-told = Sie werden nie gespeichert. Wenn du hier ein Gespräch öffnest, wird dein Server in diesem Augenblick mit deinem Schlüssel nach den Texten gefragt, und mit der Seite sind sie wieder vergessen.
privacy-others = Über alle anderen
privacy-others-told = Von öffentlichen und nicht gelisteten Beiträgen behalten wir die Adresse, den Platz im Gespräch und die Zeit, bis 30 Tage nachdem ein Mitglied das Gespräch zuletzt gesehen hat. Von Leuten, deren Beiträge vervollständigt werden, behalten wir die Adresse des Profils und wann es gelesen wurde. Wer das nicht möchte, findet { $link }hier, wie es aufhört{ $end }. Was Admins dort schreiben, wird aufbewahrt, damit es von Dauer ist.
privacy-visitors = Über Besucher
privacy-visitors-told = Gegen Missbrauch zählen wir Anmeldungen, Prüfungen von Servern und Formulare pro Netzadresse. Diese Zahlen sind nach ein, zwei Stunden vergessen, und unser Protokoll nennt keine Adressen.
privacy-cookies = Es gibt drei Cookies, und keines verfolgt dich: eines während der Anmeldung (10 Minuten), eines, das dich angemeldet hält, und eines für die Sprache, wenn du eine auswählst.
privacy-passed = Wer etwas erfährt
privacy-passed-told = Dein Server sieht, was wir für dich lesen. Andere Server sehen, dass ein Gespräch für diesen Dienst oder für jemanden auf deinem Server gelesen wird, nie für wen. Sonst erfährt niemand etwas.

## Status

status-title = Status
status-heading = Wie es läuft
status-well = { $workers ->
    [one] Der Dienst ist bei der Arbeit.
   *[other] Der Dienst ist bei der Arbeit, mit { $workers } Workern.
}
status-stopped = Im Augenblick wird nicht gearbeitet. Der Betrieb weiß es oder sieht es bald.

## Betrieb

operator-title = Betrieb
operator-heading = Wie es dem Dienst geht
operator-workers = Worker
operator-oldest = Am längsten wartet Arbeit
operator-requests = Anfragen am letzten Tag
operator-database = Größe der Datenbank
operator-cost = Kosten pro Mitglied und Monat
wishes-heading = Server, die in Ruhe gelassen werden möchten
wishes-none = Niemand wartet auf eine Entscheidung.
wishes-block = In Ruhe lassen
wishes-decline = Ablehnen
invites-heading = Jemanden einladen
invites-made = Hier ist der Code. Er wird nur jetzt gezeigt:
invites-uses = Für wie viele
invites-days = Gültig, in Tagen (leer: immer)
invites-note = Notiz für dich
invites-button = Code machen
homes-heading = Server von Mitgliedern
homes-home = Server
homes-software = Software
homes-members = Mitglieder
homes-paused = In Pause
homes-problem = Problem
members-heading = Mitglieder
members-account = Konto
members-since = Seit
members-state = Zustand
members-do = Ändern
members-pause = Anhalten
members-resume = Weiter
members-pause-one = { $handle } anhalten
members-resume-one = Weiter mit { $handle }
members-remove = Entfernen
members-sure = Alles von { $handle } löschen
members-unsure = Es ist nichts geschehen. Um ein Mitglied zu entfernen, hake auch das Kästchen an.
lanes-heading = Lanes
lanes-lane = Lane
lanes-worker = Worker
lanes-due = Fällig
lanes-late = Verspätung
delays-heading = Verzögerungen
delays-none = Am letzten Tag wurde nichts getan.
delays-work = Arbeit
delays-within = In den letzten
delays-done = Getan
delays-median = Die Hälfte binnen
delays-late = 95 % binnen
delays-of-wake = Merken, dass wieder nachzusehen ist
delays-of-collect = Eine Quelle eines Mitglieds lesen
delays-of-look = Bei einem Gespräch nachsehen
delays-of-compare = Sehen, was der Heimatserver zeigt
delays-of-resolve = Eine Antwort heimholen
delays-of-reply = Eine neue Antwort, vom Schreiben bis zum Heimatserver
bad-hosts-heading = Server mit Fehlern

## Fehler

error-400 = Das war nicht zu verstehen
error-told-400 = Etwas in der Adresse oder im Formular ist nicht wie erwartet.
error-401 = Bitte melde dich an
error-told-401 = Diese Seite ist für Mitglieder.
error-403 = Das ist nicht für dich
error-told-403 = Entweder ist diese Seite für jemand anderen, oder das Formular war zu lange offen. Geh zurück, lade die Seite neu und versuch es noch einmal.
error-404 = Hier ist nichts
error-told-404 = Diese Seite gibt es nicht. Vielleicht ist sie abgelaufen oder gehört einem anderen Mitglied.
error-405 = So nicht
error-told-405 = Diese Adresse ist für ein Formular.
error-408 = Zu langsam
error-told-408 = Die Anfrage hat zu lange gebraucht. Bitte versuch es noch einmal.
error-413 = Zu groß
error-told-413 = Was geschickt wurde, ist größer als alles, was wir annehmen.
error-421 = Falsche Adresse
error-told-421 = Dieser Dienst antwortet nur unter seinem eigenen Namen.
error-429 = Bitte etwas langsamer
error-told-429 = Das war zu oft in kurzer Zeit.
error-500 = Bei uns stimmt etwas nicht
error-told-500 = Entschuldige. Es steht im Protokoll, und wer den Dienst betreibt, kann es finden.
error-502 = Ein anderer Server hat nicht mitgemacht
error-told-502 = Er hat nicht geantwortet oder nicht wie erwartet. Versuch es später noch einmal.
error-503 = Gleich wieder da
error-told-503 = Der Dienst ist gerade nicht bereit.
error-wait = Versuch es in { $wait } wieder.
error-home = Zur Startseite
