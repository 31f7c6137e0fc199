"""What README says to type works."""
import readme


def test_the_lines(make_daemon, tmp_path):
    readme.check(make_daemon(), tmp_path)
