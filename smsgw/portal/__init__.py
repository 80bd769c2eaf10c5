"""The citizens' pages: a process of its own, beside the gateway and on the same database.

    serve     the process: what it is made of, how it starts and ends
    app       which page stands where
    wire      how long a request may take until its head is here      (uvicorn's protocol)
    guard     size, time, Host and true address of each request; what an answer always carries
    pages/    what each page does            templates/, static/  how it looks
    texts     every sentence, in one table
    sessions  who is logged in               forms    what is typed; foreign and stale forms
    guessing  a password that is tried       throttle how often (pure)   hashing  how many at once
    oidc/     who has logged in, told to the city's portal; tokens for programs
    waiting   what a client asked for, until its citizen is complete (pure)
    short/    what lives shortly, in a file of its own: sessions, tries, devices, codes, tokens
    figures   what Prometheus is told
    keys      what forms are sealed with, and the keys that sign

Nothing here is imported but by `smsgw portal`, except `short`, by which commands end sessions.
"""
