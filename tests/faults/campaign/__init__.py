"""The fault campaign: one process of sluice, or two, between servers that fail, told by a seed.

    story.py    one seed from begin to end
    driver.py   the schedule that a seed stands for, and who carries it out
    faults.py   the table of faults
    service.py  sluice as a supervised service
    machine.py  faults of this machine: disk and clock
    events.py   what is produced, with known ids
    oracle.py   what must be true in the end
    world.py    the servers, kept from seed to seed, and what one seed has of them
    answers.py  scripted HTTP answers
    soak.py     many seeds, in several processes, with a log"""
