//! The report as one page of HTML that needs nothing else: no scripts, no fonts, no pictures.

use std::fmt;
use std::io::{self, Write};

use super::cell::Cell;
use super::outcome::Outcome;
use super::report::Report;
use super::text::short;

/// Writes the page.
pub fn write(out: &mut impl Write, report: &Report<'_>, title: &str) -> io::Result<()> {
    let title = Escaped(title);
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>{title} – smmu-sim matrix</title>\n<style>{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<h1>{title}</h1>")?;
    summary(out, report)?;
    for block in report.cells.chunk_by(|one, other| one.place[..2] == other.place[..2]) {
        table(out, report, block)?;
    }
    breaks(out, report)?;
    evidence(out, report)?;
    writeln!(out, "</body>\n</html>")
}

const STYLE: &str = "
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
table { border-collapse: collapse; } th, td { border: 1px solid #c9c9c9; padding: .25rem .5rem; text-align: left; }
th { background: #f1f1f1; font-weight: 600; } th, td { font-size: .82rem; vertical-align: top; }
.works { background: #e0f3e2; } .refused { background: #fdf1cf; } .misled { background: #fbd9d6; }
.misled a { color: #8c1414; font-weight: 600; } .summary span { padding: .15rem .5rem; margin-right: .4rem; }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto; font-size: .85rem; } section:target h3 { color: #8c1414; }
h3 { font-size: .95rem; margin: 1.2rem 0 .2rem; }
";

fn summary(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    write!(out, "<p class=\"summary\">")?;
    for (kind, label) in [("works", "work"), ("refused", "refused"), ("misled", "mislead the guest")] {
        write!(out, "<span class=\"{kind}\">{} {label}</span>", report.count(kind))?;
    }
    let unmet = report.unmet.len();
    writeln!(out, "{unmet} expectations not met</p>")
}

fn table(out: &mut impl Write, report: &Report<'_>, cells: &[Cell]) -> io::Result<()> {
    let matrix = report.matrix;
    let [hardware, platform, ..] = matrix.names(cells[0].place);
    writeln!(out, "<h2>{} × {}</h2>\n<table>", Escaped(hardware), Escaped(platform))?;
    write!(out, "<tr><th>kernel \\ VMM</th>")?;
    for vmm in &matrix.vmms {
        write!(out, "<th>{}</th>", Escaped(&vmm.name))?;
    }
    writeln!(out, "</tr>")?;
    for row in cells.chunk_by(|one, other| one.place[2] == other.place[2]) {
        write!(out, "<tr><th>{}</th>", Escaped(&matrix.kernels[row[0].place[2]].name))?;
        for cell in row {
            let (kind, text, why) = (cell.outcome.kind(), short(cell), cell.outcome.to_string());
            let (text, why) = (Escaped(&text), Escaped(&why));
            match cell.outcome {
                Outcome::Misled(_) => {
                    let anchor = anchor(cell);
                    write!(
                        out,
                        "<td class=\"{kind}\" title=\"{why}\"><a href=\"#{anchor}\">{text}</a></td>"
                    )?;
                }
                Outcome::Works | Outcome::Refused(_) => {
                    write!(out, "<td class=\"{kind}\" title=\"{why}\">{text}</td>")?;
                }
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table>")
}

fn breaks(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    if report.breaks.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Works today, breaks with a later kernel</h2>\n<ul>")?;
    for breaks in &report.breaks {
        let [hardware, platform, today, vmm] = report.matrix.names(breaks.today).map(Escaped);
        let [.., later, _] = report.matrix.names(breaks.later).map(Escaped);
        let gains = breaks.gains.join(" and ");
        let anchor = breaks.later.map(|index| index.to_string()).join("-");
        writeln!(
            out,
            "<li>{hardware} × {platform} × <b>{vmm}</b>: {today} works; \
             <a href=\"#c{anchor}\">{later}</a> gains {gains}</li>"
        )?;
    }
    writeln!(out, "</ul>")
}

fn evidence(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    writeln!(out, "<h2>What happened where guests are misled</h2>")?;
    for cell in report.cells.iter().filter(|cell| matches!(cell.outcome, Outcome::Misled(_))) {
        let names = report.matrix.names(cell.place).join(" × ");
        let (anchor, outcome) = (anchor(cell), cell.outcome.to_string());
        writeln!(out, "<section id=\"{anchor}\"><h3>{}: {}</h3>\n<pre>", Escaped(&names), Escaped(&outcome))?;
        for line in &cell.evidence {
            writeln!(out, "{}", Escaped(line))?;
        }
        writeln!(out, "</pre></section>")?;
    }
    Ok(())
}

fn anchor(cell: &Cell) -> String {
    format!("c{}", cell.place.map(|index| index.to_string()).join("-"))
}

/// Text between tags or in an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            other => write!(f, "{other}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_cannot_become_markup() {
        let name = r#"<script>"a" & b</script>"#;
        assert_eq!(Escaped(name).to_string(), "&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;");
    }
}
