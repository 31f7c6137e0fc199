"""Spreadsheets: what a sheet becomes, and archives that are none."""
import io
import zipfile

import pytest

from api_daemon import problem

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
STYLES = (f'<styleSheet {MAIN}><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/>'
          '<numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
          '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="20"/></cellXfs>'
          '</styleSheet>')


def sheet(rows):
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


def book(sheets, strings=(), styles=STYLES, workbook="", **parts):
    """An archive as spreadsheet programs write it; `sheets` is {name: rows}."""
    names = "".join(f'<sheet name="{name}" sheetId="{i + 7}" r:id="rId{i + 1}"/>' for i, name in enumerate(sheets))
    links = "".join(f'<Relationship Id="rId{i + 1}" Type="x" Target="worksheets/sheet{i + 1}.xml"/>' for i in range(len(sheets)))
    files = {"[Content_Types].xml": "<Types/>",
             "xl/workbook.xml": f"<workbook {MAIN} {LINKS}>{workbook}<sheets>{names}</sheets></workbook>",
             "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
             "xl/styles.xml": styles,
             "xl/sharedStrings.xml": f"<sst {MAIN}>" + "".join(f"<si>{text}</si>" for text in strings) + "</sst>",
             **{f"xl/worksheets/sheet{i + 1}.xml": sheet(rows) for i, rows in enumerate(sheets.values())}, **parts}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, XML + text if isinstance(text, str) else text)
    return out.getvalue()


def upload(daemon, name, body, **said):
    return daemon.request("POST", "/datasets", params={"name": name, **said}, data=body)


def export(daemon, name):
    return daemon.get(f"/datasets/{name}/export").text


NUMBERS = "".join(f'<row r="{i + 1}"><c r="A{i + 1}"><v>{i}</v></c><c r="B{i + 1}"><v>{i * i}</v></c></row>' for i in range(9))


def test_a_sheet(daemon):
    rows = ('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>on</t></is></c>'
            '<c r="D1" t="s"><v>2</v></c></row>'
            '<row r="2"><c r="A2" s="1"><v>43831</v></c><c r="B2"><v>1.5E-3</v></c><c r="C2" t="b"><v>1</v></c>'
            '<c r="D2" s="3"><f>1+1</f><v>2</v></c><c r="H2" s="3"/></row>'
            '<row r="3"><c r="A3" s="1"><v>43832</v></c><c r="C3" t="b"><v>0</v></c><c r="D3" t="str"><v>3.25</v></c></row>'
            '<row r="5"><c r="A5" s="1"><v>43834</v></c><c r="B5" t="e"><v>#N/A</v></c><c r="C5" t="b"><v>1</v></c><c r="D5"><v>4</v></c></row>')
    strings = ["<t>Zeit</t>", "<r><t>Preis, </t></r><r><t>\"EUR\"</t></r>", "<t>Tage</t><rPh><t>no</t></rPh>"]
    body = book({"Daten": rows, "leer": ""}, strings)
    row = upload(daemon, "sheet", body).json()
    assert row["kind"] == "xlsx" and row["rows"] == 3 and row["bytes"] == len(body)
    assert row["description"]["dialect"]["sheet"] == "Daten" and row["description"]["time"] == 0
    assert row["description"]["preview"] == [["2020-01-01", 0.0015, 1, 2], ["2020-01-02", None, 0, 3.25], ["2020-01-04", None, 1, 4]]
    assert export(daemon, "sheet") == ('Zeit,"Preis, ""EUR""",on,Tage\n2020-01-01,0.0015,1.0,2.0\n2020-01-02,,0.0,3.25\n'
                                       '2020-01-04,,1.0,4.0\n')
    assert daemon.get("/datasets/sheet/content").content == body
    done = daemon.train({"type": "lstm", "hidden_size": 1, "training": {"epochs": 1}, "data": {
        "dataset": "sheet", "inputs": ["Tage"], "window": 1, "drop_last_window": False, "split": {"train": 0.5}}})
    assert done["status"] == "succeeded"


def test_one_of_several(daemon):
    other = NUMBERS.replace("<v>8</v>", "<v>80</v>")
    body = book({"one": NUMBERS, "two &amp; more": other})
    assert export(daemon, upload(daemon, "first sheet", body).json()["id"]).splitlines()[-1] == "8.0,64.0"
    second = upload(daemon, "second sheet", body, sheet="two & more").json()
    assert export(daemon, second["id"]).splitlines()[-1] == "80.0,64.0"
    said = problem(upload(daemon, "third sheet", body, sheet="three"), 422, "invalid")
    assert said == "there is no sheet 'three'; there are 'one', 'two & more'"


@pytest.mark.parametrize("style, value, workbook, expected", [
    (1, "1", "", "1900-01-01"), (1, "59", "", "1900-02-28"), (1, "61", "", "1900-03-01"), (1, "44197", "", "2021-01-01"),
    (2, "44197.75", "", "2021-01-01 18:00:00"), (2, "44196.999999999", "", "2021-01-01"), (4, "0.5", "", "12:00:00"),
    (1, "0", '<workbookPr date1904="1"/>', "1904-01-01"), (1, "42735", '<workbookPr date1904="1"/>', "2021-01-01")])
def test_dates(daemon, style, value, workbook, expected):
    rows = "".join(f'<row r="{i}"><c r="A{i}" s="{style}"><v>{value}</v></c><c r="B{i}"><v>{i}</v></c></row>' for i in (1, 2))
    reply = upload(daemon, f"date {style} {value} {expected}", book({"s": rows}, workbook=workbook), header="false")
    assert reply.json()["description"]["preview"][0] == [expected, 1], reply.text


BOMB = ('<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + "".join(f'<!ENTITY b{i} "{f"&b{i - 1 if i else str()};" * 10}">' for i in range(9)) +
        "]><a>&b8;</a>")


@pytest.mark.parametrize("body, status, words", [
    (b"PK\3\4" + bytes(100), 400, "no ZIP"),
    (book({"s": NUMBERS})[:-30], 400, "no ZIP"),
    (book({}), 422, "there is no sheet ''; there are none"),
    (book({"s": NUMBERS}, **{"xl/workbook.xml": "<a"}), 400, "is no XML"),
    (book({"s": NUMBERS}, **{"xl/workbook.xml": BOMB}), 400, "document type"),
    (book({"s": NUMBERS}, **{"xl/_rels/workbook.xml.rels": "<Relationships/>"}), 400, "where the sheet 's' is"),
    (book({"s": NUMBERS}, **{"xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="rId1" Target="gone.xml"/></Relationships>'}),
     400, "the archive has no part xl/gone.xml"),
    (book({"s": '<row r="1"><c r="A1" t="s"><v>5</v></c></row>'}), 400, "there is no shared string 5"),
    (book({"s": '<row r="1"><c r="B1"><v>5</v></c><c r="A1"><v>5</v></c></row>'}), 400, "not in order"),
    (book({"s": '<row r="2"/><row r="1"/>'}), 400, "not in order"),
    (book({"s": '<row r="99999999"/>'}), 400, "not in order"),
    (book({"s": '<row r="1"><c r="ZZZ1"><v>5</v></c></row>'}), 413, "more than 4096 columns"),
    (book({"s": ""}), 400, "there are no rows"),
])
def test_what_is_refused(daemon, body, status, words):
    reply = upload(daemon, "refused sheet", body)
    assert reply.status_code == status and words in reply.json()["detail"], reply.text


def test_bombs(make_daemon):
    """What unpacks to more than the limit is refused as soon as it is too much, and so is an endless text."""
    daemon = make_daemon("--max-upload", "4M")
    for part, words in ((b"<x>" + b"<y>z</y>" * (1 << 20) + b"</x>", f"{4 << 20} bytes, the limit"),
                        (b"<x>" + b" " * (2 << 20) + b"</x>", "a text in the part xl/sharedStrings.xml")):
        body = book({"s": NUMBERS}, **{"xl/sharedStrings.xml": part})
        assert len(body) < 1 << 20
        reply = upload(daemon, "bomb", body)
        assert reply.status_code == 413 and words in reply.json()["detail"], reply.text


def test_what_is_said(daemon):
    body = book({"s": NUMBERS})
    problem(upload(daemon, "said", body, decimal=","), 422, "invalid")
    problem(upload(daemon, "said", "1\n2\n", sheet="s"), 422, "invalid")
    assert upload(daemon, "said", body, header="true").json()["rows"] == 8
