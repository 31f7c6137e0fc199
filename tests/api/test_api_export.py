"""A data set as it was understood, given back as CSV."""
import io

import numpy

from api_daemon import problem


def export(daemon, name):
    reply = daemon.get(f"/datasets/{name}/export")
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "text/csv; charset=utf-8", reply.text
    return reply.text


def test_what_was_understood(daemon):
    text = "Zeit;Preis, EUR;Ort;n\n03.01.2020;1,5;x;7\n02.01.2020;?;y;1e-7\n01.01.2020;0,1;z;3\n"
    daemon.upload("exported", text)
    out = export(daemon, "exported")
    assert out == 'Zeit,"Preis, EUR",n\n01.01.2020,0.1,3.0\n02.01.2020,,1e-7\n03.01.2020,1.5,7.0\n'
    again = daemon.upload("exported again", out).json()
    assert again["rows"] == 3 and again["description"]["time"] == 0
    assert again["description"]["preview"] == [["01.01.2020", 0.1, 3], ["02.01.2020", None, 1e-7], ["03.01.2020", 1.5, 7]]


def test_arrays_and_series(daemon):
    values = numpy.random.default_rng(1).normal(size=(9, 3)) * 10.0 ** numpy.arange(-5, 4, 3)
    file = io.BytesIO()
    numpy.save(file, values)
    daemon.upload("exported array", file.getvalue(), headers={})
    lines = export(daemon, "exported array").splitlines()
    assert lines[0] == "column_0,column_1,column_2"
    assert [[float(x) for x in line.split(",")] for line in lines[1:]] == values.tolist()
    series = export(daemon, "sine").splitlines()
    assert series[0] == "value" and len(series) == daemon.get("/datasets/sine").json()["rows"] + 1


def test_names_with_quotes(daemon):
    daemon.upload("exported names", '"a ""b""",c\n1,2\n3,4\n')
    assert export(daemon, "exported names") == '"a ""b""",c\n1.0,2.0\n3.0,4.0\n'


def test_nothing_there(daemon):
    problem(daemon.get("/datasets/nobody/export"), 404, "not_found")
