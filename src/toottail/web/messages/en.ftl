# Every word of the pages. docs/web.md says how to add a language.

language-name = English
site-description = Brings the replies that your server never got to it, so that conversations are whole.
skip = To the content
version = TootTail { $version }

nav-main = Main
nav-more = About this service
nav-languages = Languages
nav-me = My conversations
nav-settings = Settings
nav-operator = Operator
nav-about = Who we are
nav-privacy = Privacy
nav-status = Status
nav-support = Support us
nav-source = Source code

## Front page

front-title = Whole conversations
front-heading = See every reply, on your own server
front-lead = Small servers get only part of each conversation. We find the replies that yours never got, and have it fetch them before you open the post.
front-server = Your server
front-server-hint = The name of your server, your handle or a link to your profile.
front-sign-in = Sign in
front-busy = Asking your server…
front-invite = Invite code
front-invite-hint = New members need one. Who is a member already leaves this empty.
front-homes = For members of { $homes }.
front-more = Choose what is read
front-sources = What may we read?
front-sources-hint = Your home timeline is enough to begin with. You can change this at any time, and your server is asked for no more rights than your choice needs.
front-promise = You say yes at your own server. We never see your password, post nothing in your name, and you leave with one click.
front-detail = What exactly went wrong
front-to-me = To the conversations of { $handle }

sign-ups-open = New members are welcome.
sign-ups-invite = New members need an invite code.
sign-ups-closed = No new members are taken at present. If you are a member, sign in as always.
sign-ups-full = All places are taken at present. If you are a member, sign in as always.

picture-origin = Where it was written
picture-before = On your server, before
picture-after = On your server, after
picture-origin-words = Somebody asks, and people on seven servers answer.
picture-before-words = Just the replies that happened to be delivered.
picture-after-words = The rest is fetched, in its place.
picture-count = { $here } of { $all }
picture-told = One conversation in three views. Where it was written it has { $all } posts. On your server there are { $before } of them before, and all { $all } after.

how-heading = How it works
how-1-heading = You sign in with your server
how-1 = It asks you whether we may read your timeline and search. Nothing needs to be installed, neither by you nor by your admin.
how-2-heading = We ask where it was written
how-2 = The conversations in your timeline are read at the servers they come from, each once for everybody here, and politely.
how-3-heading = Your server fetches the rest
how-3 = It is told of the replies that it lacks, and gets them itself, from the servers where they were written. You read on in the app you know.
how-more = More: { $privacy }what is stored, and for how long{ $end }, and { $about }how to keep us away from your server{ $end }.

numbers-heading = This service, today
numbers-members = Members
numbers-homes = Servers of members
numbers-conversations = Conversations watched
numbers-hour = Replies brought home in the last hour
numbers-day = Replies brought home in the last day
numbers-delay = From posted to brought home, median
numbers-no-delay = not measured yet

done-signed_out = You are signed out. Your conversations go on being completed.
done-left = You have left. Everything stored about you is deleted, and your server has confirmed that our access is over.
done-left_unconfirmed = You have left, and everything stored about you is deleted. Your server did not confirm that our access is over: look among the authorised apps in your account’s settings there.

problem-no_server = Type the name of your server, such as example.social.
problem-invalid_server = “{ $server }” is not the name of a server. Type something like example.social or @you@example.social.
problem-unreachable = That server does not answer. Is the name right? If it is, try again in a while.
problem-not_a_home = There is no server of the fediverse under that name that we could serve.
problem-unsupported = That server runs a program that we cannot serve yet.
problem-home_not_listed = Members of that server cannot sign in here.
problem-blocked = That server asked to be left alone, or is blocked here.
problem-closed = No new members are taken at present.
problem-invite_needed = New members need an invite code. Type yours below.
problem-invite_invalid = That invite code is not known, used up or too old.
problem-full = All places are taken at present. Try again another time.
problem-denied = You said no at your server, so nothing was done. Try again whenever you like.
problem-expired = That sign-in took too long, or was begun in another browser. Please begin again.
problem-scopes = Your server gave us fewer rights than we need to read your timeline. Please try again and allow what is listed.
problem-home_failed = Your server did not finish the sign-in. Try again in a while.
problem-not_signed_in = Please sign in first.
problem-too_many_attempts = That was too often. Wait a few minutes and try again.
problem-unknown = The sign-in came to nothing. Please try again.

## Sources

source-home = Home timeline
source-lists = All your lists
source-list = The list
source-notifications = Notifications
source-bookmarks = Bookmarks
source-favourites = Favourites
source-replied = Where you replied
source-hashtags = Hashtags you follow
source-hashtag = The hashtag
source-followings = People you follow
source-followers = People who follow you
source-follow_requests = People who ask to follow you
source-list_accounts = People on your lists
source-notifiers = People in your notifications
source-mentioned = People who are mentioned
source-boosted = People who are boosted
source-account = The account

gives-home = The conversations of the newest posts in your timeline.
gives-lists = The conversations in the timelines of your lists.
gives-list = The conversations in its timeline.
gives-notifications = The conversations of posts in your notifications.
gives-bookmarks = The conversations that you bookmarked.
gives-favourites = The conversations of posts you marked as favourites.
gives-replied = The conversations that you took part in.
gives-hashtags = Newest posts with them, from servers that the operator names.
gives-hashtag = Newest posts with it, from servers that the operator names.
gives-followings = Newest posts of those you followed last.
gives-followers = Newest posts of those who followed you last.
gives-follow_requests = Their newest posts, so that you can decide.
gives-list_accounts = Their newest posts.
gives-notifiers = Their newest posts.
gives-mentioned = Newest posts of those who are mentioned in the timelines that are read.
gives-boosted = Newest posts of those who are boosted in the timelines that are read.
gives-account = Its newest posts.

source-entries = The newest { $count } are read
source-read = last read { $when }
source-lacks = Your server has not allowed this yet ({ $scopes }).
source-again = Sign in again to allow it
source-off = It is tried again after { $when }.

## A member's page

me-title = My conversations
me-heading = Your conversations
me-sign-in-again = Sign in again
me-pause = Pause
me-resume = Go on
me-pause-hint = During a pause nothing is read or fetched for you, and nothing is deleted.

state-working = At work
state-paused = Paused
state-token_refused = Your server no longer lets us in
state-home_fails = Your server does not answer
state-asleep = Asleep
state-short-working = at work
state-short-paused = paused
state-short-token_refused = token refused
state-short-home_fails = home fails
state-short-asleep = asleep
state-told-working = Your conversations are being completed.
state-told-paused = Nothing is read or fetched for you until you go on.
state-told-operator = The operator of this service has paused your account. Please write to them.
state-told-token_refused = { $home } has ended our access. Sign in again to go on, or leave.
state-told-home_fails = { $home } has not answered for a while. We go on as soon as it does.
state-told-asleep = We had not seen you read for two months, so nothing was read for you any more. Go on whenever you like.
state-delete = If nothing changes, everything stored about you is deleted on { $when }.

run-heading = Your first run
run-collecting = Reading your timeline…
run-bringing = Completing conversations…
run-done = Done. Your conversations are below.
run-read = Posts read
run-conversations = Conversations
run-finished = of these done
run-found = Replies found
run-delivered = Brought home
run-hint = You can close this page: the work goes on without it.
run-refresh = See how far it is
run-waiting = { $count ->
    [one] Waiting for one server
   *[other] Waiting for { $count } servers
}
run-waiting-for = { $host }: asked again { $when }

totals-heading = In numbers
totals-delivered = Replies brought home
totals-whole = Whole conversations
totals-of = { $whole } of { $all }
totals-were = Replies that were here already
totals-not = Asked for in vain

days-heading = Replies brought home per day
days-none = None yet. As soon as there are, you see them here.
days-told = Bars for the last 30 days: { $total ->
    [one] one reply
   *[other] { $total } replies
} in all, at most { $top } in a day.
days-top = highest: { $top }
days-table = As a table
days-day = Day (UTC)
days-delivered = Replies

list-heading = Conversations
list-filters = Which conversations
which-all = All
which-working = At work
which-gaps = With gaps
which-whole = Whole
key-were = were here
key-brought = brought home
key-waiting = on the way
row-heading = { $host }
row-seen = seen { $when }
row-count = { $were } of { $all } were here, now { $here }
row-bar = { $here } of { $all } are here
row-working = at work
row-waiting = { NUMBER($count) } on the way
row-not = { NUMBER($count) } asked for in vain
row-out = { NUMBER($count) } out of reach
row-local = Open on your server
list-none-yet = Nothing here yet. Conversations appear as your timeline is read.
list-none-such = There is none of that kind.
list-paging = More pages
list-first = Back to the newest
list-next = Older ones
find-label = What became of a certain post? Paste its address
find-button = Look it up
find-none = No conversation of yours with that post is known here.

hosts-heading = Servers that told nothing
hosts-lead = From these servers nothing could be read. Some want it that way, and that is respected.
hosts-host = Server
hosts-why = Why
hosts-conversations = Conversations
hosts-again = Asked again
hosts-never = not by itself

## Settings

settings-title = Settings
settings-heading = Settings
settings-saved = Saved.
settings-save = Save
settings-bad-sources = That could not be saved.
sources-heading = What is read for you
sources-lead = Each of these leads to conversations or people whose posts are completed on your server.
sources-further = Something else
sources-further-label = Further sources
sources-further-hint = Separated by commas, such as list:Friends, account:@ann@example.social or home=400 for the newest 400.
pause-heading = Pause
data-heading = Your data
data-lead = The file has all that is stored about you, but for our key to your account, which nobody gets to see.
data-export = Download it all
data-leave = Leave…
session-heading = This browser
session-lead = Signing out only ends the visit with this browser. Your conversations go on being completed.
session-sign-out = Sign out
session-everywhere = Sign out everywhere

## Leaving

leave-title = Leave
leave-heading = Do you want to leave?
leave-lead = It takes effect at once and cannot be taken back. You can sign in again at any time, and would begin anew.
leave-deleted = What is deleted
leave-account = Your name here: { $handle }
leave-token = Our access to your account. { $home } is told to end it.
leave-sources = What is read for you, and how far it was read
leave-conversations = { $count ->
    [0] The list of your conversations
    [one] The note that you saw one conversation
   *[other] The note that you saw { NUMBER($count) } conversations
}
leave-sessions = All your visits here, in every browser
leave-stays = What stays
leave-stays-told = The replies that { $home } has fetched are there for good. They are your server’s.
leave-button = Leave and delete everything
leave-stay = Stay
leave-pause = Just tired of it? You can also { $link }pause{ $end }.

## One conversation

talk-title = A conversation from { $host }
talk-back = ← All conversations
talk-heading = A conversation from { $host }
talk-lead = As { $home } has it.
talk-looked = Last looked at { $when }.
talk-not-looked = Not yet looked at.
talk-next = Next time: { $when }.
talk-origin = Where it was written
talk-problem = Something went wrong with it lately:
talk-summary = In short
asked-heading = { $count ->
    [one] One server was asked
   *[other] { $count } servers were asked
}
asked-told = { $answered ->
    [one] one question answered
   *[other] { $answered } questions answered
}, { $open ->
    [0] none open
    [one] one open
   *[other] { $open } open
}.
texts-too-many = The texts are left out: many conversations were opened lately, and your server is not asked more often. In a few minutes they can be read again.
texts-home-failed = The texts are left out: { $home } did not show them just now.
tree-heading = Post by post
tree-earlier = Earlier ones
tree-later = { $left ->
    [one] One more
   *[other] { $left } more
}
leaf-level = Level { $level }
leaf-somebody = Somebody on { $host }
leaf-brought = Brought home { $when }
leaf-again = Asked for again after { $when }
leaf-loose = A reply to something unknown
leaf-written = Written { $when }
leaf-link = On { $host }

verdict-at_home = was here
verdict-delivered = brought home
verdict-unattached = brought, not yet in place
verdict-not_obtained = asked for in vain
verdict-unreachable = out of reach
verdict-opted_out = wants to be left alone
verdict-not_yet = not yet here

## Who we are

about-title = Who we are
about-heading = Who we are, and how to keep us away
about-lead = { $name } completes conversations for members of small servers. If you run a server, you may have seen us in your log. This page is for you.
about-asks = We read robots.txt and nodeinfo once a day, and public and unlisted conversations that a member has in a timeline, each once for everybody here. Posts for followers and direct messages are never asked for, and what posts say is not kept.
about-contact = Write to us: { $link }{ $name }{ $end }
known-heading = How to know us
known-user-agent = User-Agent
known-robots = Name in robots.txt
known-actor = Actor that signs requests
known-addresses = Addresses
limits-heading = How much we ask
limits-headers = If you send X-RateLimit headers, at most 80 % of your limit.
limits-silent = If you send none, at most 120 requests in 5 minutes.
limits-429 = After 429 or 503 with Retry-After we come back at that time, not before; without one we wait longer each time.
limits-crawl = A Crawl-delay in robots.txt is kept.
block-heading = How to block us
block-lead = Put this into your robots.txt. It holds for everything we ask, and is read again once a day:
block-refuse = Or answer us with 403: after six of these nothing is asked for hours, then for days.
block-actor = Or block the domain { $host }, if your server wants requests signed.
block-people = People who write “nobot” in their profile are left alone everywhere.
opt-out-heading = Ask to be left alone
opt-out-lead = If your robots.txt names us, or there is a file { $path } on your server, it is done at once. Otherwise a person decides.
opt-out-host = Your server
opt-out-contact = How to reach you
opt-out-contact-hint = An account or a mail address, only for questions about this. You may leave it empty.
opt-out-words = Anything you want to add
opt-out-button = Leave my server alone
opt-out-done = Done: from now on nothing is asked of that server.
opt-out-asked = Thank you. That server does not say so itself, so a person looks at your wish.
opt-out-bad = That is not the name of a server. Type something like example.social.

## Privacy

privacy-title = Privacy
privacy-heading = What is stored, and how to be rid of it
privacy-lead = As little as it takes. No text of any post, no advertising, nothing passed on.
privacy-members = About members
privacy-what = What
privacy-why = What for
privacy-long = How long
privacy-account = Your handle, your account’s number, your server
privacy-account-why = to know whose conversations these are
privacy-account-long = until you leave
privacy-token = Our key to your account, encrypted
privacy-token-why = to read what you chose, and to have your server fetch replies
privacy-token-long = until you leave, or { $days ->
    [one] a day
   *[other] { $days } days
} after your server has ended it
privacy-sources = What is read for you and how far, and when you last read at home
privacy-sources-why = to go on where we were, and to ask your server for less while you are away
privacy-sources-long = until you leave
privacy-conversations = Which conversations were in your timelines
privacy-conversations-why = to complete them, and to show them to you
privacy-conversations-long = 30 days after they were last seen, at most until you leave
privacy-deliveries = Which replies your server has or lacks
privacy-deliveries-why = to ask for each just once
privacy-deliveries-long = as long as one of you on your server has the conversation in this table
privacy-session = That your browser is signed in, and when you last came
privacy-session-why = so that you need not sign in on each page, and to see whether anybody still wants this
privacy-session-long = 30 days after the last visit, or until you sign out
privacy-leave = You can { $link }leave at any time{ $end }. Everything about you in this table is then deleted at once, and your server is told to end our access. What your server has or lacks goes with the last member from there.
privacy-texts = Texts of posts
privacy-texts-told = They are never stored. When you open a conversation here, your server is asked for its texts at that moment, with your key, and they are forgotten with the page.
privacy-others = About everybody else
privacy-others-told = Of public and unlisted posts we keep the address, the place in the conversation and the time, until 30 days after a member last saw the conversation. Of people whose posts are completed we keep the address of the profile and when it was read. Who does not want that finds { $link }here how to be left alone{ $end }. What an admin writes there is kept, so that it lasts.
privacy-visitors = About visitors
privacy-visitors-told = To stop abuse we count sign-ins, server checks and opt-out forms per network address. These counts are forgotten after an hour or two, and our log names no addresses.
privacy-cookies = There are three cookies, and none follows you: one while you sign in (10 minutes), one that keeps you signed in, and one for the language, if you choose one.
privacy-passed = Who gets to know something
privacy-passed-told = Your server sees what we read for you. Other servers see that a conversation is read for this service or for somebody on your server, never for whom. Nobody else is told anything.

## Status

status-title = Status
status-heading = How it goes
status-well = { $workers ->
    [one] The service is at work.
   *[other] The service is at work, with { $workers } workers.
}
status-stopped = At the moment no work is being done. The operator has been told, or will see it soon.

## Operator

operator-title = Operator
operator-heading = How the service does
operator-workers = Workers
operator-oldest = Longest wait of due work
operator-requests = Requests in the last day
operator-database = Size of the database
operator-cost = Cost per member and month
wishes-heading = Servers that want to be left alone
wishes-none = Nobody is waiting for a decision.
wishes-block = Leave it alone
wishes-decline = Decline
invites-heading = Invite somebody
invites-made = Here is the code. It is shown only now:
invites-uses = For how many
invites-days = Valid for days (empty: always)
invites-note = Note for yourself
invites-button = Make a code
homes-heading = Servers of members
homes-home = Server
homes-software = Software
homes-members = Members
homes-paused = Paused
homes-problem = Problem
members-heading = Members
members-account = Account
members-since = Since
members-state = State
members-do = Change
members-pause = Pause
members-resume = Go on
members-pause-one = Pause { $handle }
members-resume-one = Go on with { $handle }
members-remove = Remove
members-sure = Delete everything of { $handle }
members-unsure = Nothing was done. To remove a member, tick the box as well.
lanes-heading = Lanes
lanes-lane = Lane
lanes-worker = Worker
lanes-due = Due
lanes-late = Late by
delays-heading = Delays
delays-none = Nothing was done in the last day.
delays-work = Work
delays-within = In the last
delays-done = Done
delays-median = Half of it within
delays-late = 95 % within
delays-of-wake = See that a look is due again
delays-of-collect = Read a member’s source
delays-of-look = Look at a conversation
delays-of-compare = See what the home shows
delays-of-resolve = Bring a reply home
delays-of-reply = A new reply, from its posting to the home
bad-hosts-heading = Servers with errors

## Errors

error-400 = That could not be understood
error-told-400 = Something in the address or the form is not as expected.
error-401 = Please sign in
error-told-401 = This page is for members.
error-403 = That is not for you
error-told-403 = Either this page is for somebody else, or the form was open for too long. Go back, reload the page and try again.
error-404 = Nothing here
error-told-404 = There is no such page. Perhaps it has expired, or it is another member’s.
error-405 = Not like this
error-told-405 = This address is for a form.
error-408 = Too slow
error-told-408 = The request took too long to arrive. Please try again.
error-413 = Too large
error-told-413 = What was sent is larger than anything we take.
error-421 = Wrong address
error-told-421 = This service answers under its own name only.
error-429 = A little slower, please
error-told-429 = That was too often in a short time.
error-500 = Something is wrong on our side
error-told-500 = Sorry. It is in the log, and the operator can find it.
error-502 = Another server let us down
error-told-502 = It did not answer, or not as expected. Try again in a while.
error-503 = Back in a minute
error-told-503 = The service is not ready just now.
error-wait = Try again in { $wait }.
error-home = To the front page
