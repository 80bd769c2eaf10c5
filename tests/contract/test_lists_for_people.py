"""What a table tells those who do not read JSON."""

import re


def test_text_that_was_not_answered_says_why(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    running = daemon(config, smsc)
    smsc.send_mo("5352345678", "xin chao").answer()
    told = smsgw("-c", config, "messages", "list").stdout
    assert re.search(r"ignored +xin chao \[country\]", told), told
    running.wait_log(r"desk mo link=simulator mo=\d+ outcome=ignored")


def test_log_names_the_link_of_a_text_that_reads_like_a_receipt(smsc, config_file, daemon):
    running = daemon(config_file(smsc), smsc)
    words = "id:77 sub:001 dlvrd:001 submit date:2611260900 done date:2611260900 stat:DELIVRD"
    smsc.send_mo("84905123456", words).answer()
    running.wait_log(r"desk mo link=simulator mo=\d+ outcome=ignored")
