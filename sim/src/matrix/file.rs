//! Reading a matrix file: KDL, with every mistake at its place.

use std::sync::Arc;

use smmu_model::features::{Features, Preset};
use smmu_model::ids::Vmid;

use super::axes::{Expectation, Hardware, HostKernel, Kind, Matrix, Platform, Vmm};
use super::outcome::{By, Symptom};
use crate::driver::{Firmware, HttuOverride, Source};
use crate::errno::Errno;
use crate::kernel::generation::{Generation, List, Reports};
use crate::negotiation::{Policy, Vintage};
use crate::scenario::arguments::{Arguments, no_block, number};
use crate::scenario::scope::Scope;
use crate::scenario::span::Spanned;
use crate::scenario::syntax::{self, Node};
use crate::scenario::{PROBLEMS_MAX, Problem, Sources};

/// The nodes of a matrix file.
const NODES: &[&str] = &["hardware", "platform", "kernel", "vmm", "expect"];

/// More cells than anybody reads, or waits for.
const CELLS_MAX: usize = 10_000;

/// An axis with more members is a mistake: pairs of kernels are compared.
const MEMBERS_MAX: usize = 100;

/// Everything that is wrong with a file, with its text.
pub type Broken = (Vec<Problem>, Sources);

/// Reads a file whose name is `name`.
pub fn read(name: String, text: &str) -> Result<Matrix, Broken> {
    let mut sources = Sources::default();
    let file = sources.add(name, Arc::from(text));
    let nodes = match syntax::parse(file, text) {
        Ok(nodes) => nodes,
        Err(problems) => return Err((problems, sources)),
    };
    let mut reader = Reader::default();
    for node in &nodes {
        if let Err(problem) = reader.node(node) {
            reader.problems.push(problem);
        }
        if reader.problems.len() > PROBLEMS_MAX {
            break;
        }
    }
    if let Some(last) = nodes.last() {
        reader.check_axes(last);
    } else {
        reader.problems.push(Problem::new(syntax::start(file), "the file describes nothing"));
    }
    let Reader { hardware, platforms, kernels, vmms, expectations, problems } = reader;
    if problems.is_empty() {
        Ok(Matrix { sources, hardware, platforms, kernels, vmms, expectations })
    } else {
        Err((problems, sources))
    }
}

#[derive(Default)]
struct Reader {
    hardware: Vec<Hardware>,
    platforms: Vec<Platform>,
    kernels: Vec<HostKernel>,
    vmms: Vec<Vmm>,
    expectations: Vec<Expectation>,
    problems: Vec<Problem>,
}

impl Reader {
    fn node(&mut self, node: &Node) -> Result<(), Problem> {
        match node.name.value.as_str() {
            "hardware" => self.hardware(node),
            "platform" => self.platform(node),
            "kernel" => self.kernel(node),
            "vmm" => self.vmm(node),
            "expect" => self.expect(node),
            other => Err(Problem::unknown("node", other, node.name.span, NODES)),
        }
    }

    /// `hardware "grace" preset="grace" { idr IDR0.HTTU=0; }`
    fn hardware(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &Scope::default())?;
        let name = new_name(&mut arguments, self.hardware.iter().map(|other| &other.name))?;
        let preset = choice(&mut arguments, "preset", Preset::ALL, |preset| preset.name())?;
        arguments.finish()?;
        let mut ids = preset.unwrap_or(Preset::Max).id_registers();
        for child in node.children.iter().flatten() {
            if child.name.value != "idr" {
                return Err(Problem::unknown(
                    "part of `hardware`",
                    &child.name.value,
                    child.name.span,
                    &["idr"],
                ));
            }
            no_block(child)?;
            let mut fields = Arguments::new(child, &Scope::default())?;
            for (name, value) in fields.fields() {
                let value = number(value)?;
                let set = ids.set_field(&name.value, value.value);
                set.map_err(|error| Problem::new(name.span.to(value.span), error.to_string()))?;
            }
            fields.finish()?;
        }
        let features = Features::new(ids).map_err(|refusals| {
            let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            Problem::new(node.span, "these ID registers are refused").with_help(reasons.join("\n"))
        })?;
        self.hardware.push(Hardware { name, features });
        Ok(())
    }

    /// `platform "acpi-off" source="acpi" httu=0 atomics=#false kvm-vmid=9`
    fn platform(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &Scope::default())?;
        let name = new_name(&mut arguments, self.platforms.iter().map(|other| &other.name))?;
        let is_acpi = choice(&mut arguments, "source", &["dt", "acpi"], |name| name)? == Some("acpi");
        let httu = arguments.number_to("httu", 3)?;
        let coherent = arguments.flag("coherent")?.unwrap_or(true);
        let has_atomics = arguments.flag("atomics")?.unwrap_or(true);
        let canwbs = arguments.flag("canwbs")?.unwrap_or(true);
        let vmid = arguments.number_to("kvm-vmid", u64::from(u16::MAX))?;
        arguments.finish()?;
        let source = match (is_acpi, httu) {
            (true, httu) => Source::Acpi { httu: override_of(httu.map_or(0, |httu| httu.value)) },
            (false, None) => Source::DeviceTree,
            (false, Some(httu)) => {
                return Err(Problem::new(httu.span, "a device tree has no override of HTTU"));
            }
        };
        let first = vmid.as_ref().map_or(1, |vmid| vmid.value);
        let first_kvm_vmid = Vmid(u16::try_from(first).expect("it is at most 65535"));
        if let (0, Some(vmid)) = (first, vmid) {
            return Err(Problem::new(vmid.span, "VMID 0 is the host's"));
        }
        let firmware = Firmware { source, coherent, ..Firmware::default() };
        self.platforms.push(Platform { name, firmware, has_atomics, canwbs, first_kvm_vmid });
        Ok(())
    }

    /// `kernel "next" list="7.3" reports="raw" vhttu=#true vbtm=#true`
    fn kernel(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &Scope::default())?;
        let name = new_name(&mut arguments, self.kernels.iter().map(|other| &other.name))?;
        let list = choice(&mut arguments, "list", List::ALL, |list| list.name())?.unwrap_or_default();
        let reports = choice(&mut arguments, "reports", Reports::ALL, |reports| reports.name())?;
        let vhttu = arguments.flag("vhttu")?.unwrap_or(false);
        let vbtm = arguments.flag("vbtm")?.unwrap_or(false);
        arguments.finish()?;
        let generation = Generation { list, reports: reports.unwrap_or_default(), vhttu, vbtm };
        self.kernels.push(HostKernel { name, generation });
        Ok(())
    }

    /// `vmm "old" policy="passthrough" vintage="7.3"`
    fn vmm(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &Scope::default())?;
        let name = new_name(&mut arguments, self.vmms.iter().map(|other| &other.name))?;
        let policies: Vec<_> = Policy::all().collect();
        let policy = choice(&mut arguments, "policy", &policies, |policy| policy.name())?;
        let vintage = choice(&mut arguments, "vintage", Vintage::ALL, |vintage| vintage.name())?;
        arguments.finish()?;
        let policy = policy.ok_or_else(|| Problem::new(node.span, "`vmm` needs policy="))?;
        self.vmms.push(Vmm { name, policy, vintage: vintage.unwrap_or(Vintage::Linux7_3) });
        Ok(())
    }

    /// `expect "misled" "stale-after-tlbi" vmm="old" kernel="next"`
    fn expect(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &Scope::default())?;
        let kind = arguments.required_text("an outcome")?;
        let kind = pick("outcome", &kind, Kind::ALL, |kind| kind.name())?;
        let mut symptoms = Vec::new();
        while arguments.next_is_text() {
            let symptom = arguments.required_text("a symptom")?;
            if kind != Kind::Misled {
                return Err(Problem::new(symptom.span, "only a misled guest has symptoms"));
            }
            symptoms.push(pick("symptom", &symptom, Symptom::ALL, |symptom| symptom.name())?);
        }
        let parties = [By::Kernel, By::Vmm, By::Guest];
        let by = choice(&mut arguments, "by", &parties, |by| by.name())?;
        let errno = choice(&mut arguments, "errno", Errno::ALL, |errno| errno.name())?;
        if kind != Kind::Refused && (by.is_some() || errno.is_some()) {
            return Err(Problem::new(node.span, "only a refusal has `by=` and `errno=`"));
        }
        let axes: [(_, Vec<_>); 4] = [
            ("hardware", self.hardware.iter().map(|one| one.name.clone()).collect()),
            ("platform", self.platforms.iter().map(|one| one.name.clone()).collect()),
            ("kernel", self.kernels.iter().map(|one| one.name.clone()).collect()),
            ("vmm", self.vmms.iter().map(|one| one.name.clone()).collect()),
        ];
        let mut names = [const { None }; 4];
        for ((axis, known), wanted) in axes.iter().zip(&mut names) {
            *wanted = choice(&mut arguments, axis, known, |name| name)?;
        }
        arguments.finish()?;
        self.expectations.push(Expectation { span: node.span, names, kind, symptoms, by, errno });
        Ok(())
    }

    fn check_axes(&mut self, last: &Node) {
        let axes = [
            ("hardware", self.hardware.len()),
            ("platform", self.platforms.len()),
            ("kernel", self.kernels.len()),
            ("vmm", self.vmms.len()),
        ];
        if !self.problems.is_empty() {
            return;
        }
        for (axis, count) in axes {
            if count == 0 {
                self.problems.push(Problem::new(last.span, format!("there is no `{axis}`")));
            }
        }
        if axes.iter().map(|(_, count)| count).product::<usize>() > CELLS_MAX {
            let message = format!("these are more than {CELLS_MAX} cells");
            self.problems.push(Problem::new(last.span, message));
        }
    }
}

/// The name of a new member of an axis.
fn new_name<'a>(
    arguments: &mut Arguments,
    mut known: impl ExactSizeIterator<Item = &'a String>,
) -> Result<String, Problem> {
    let name = arguments.required_name()?;
    if known.len() == MEMBERS_MAX {
        return Err(Problem::new(name.span, format!("an axis has at most {MEMBERS_MAX} members")));
    }
    if known.any(|known| *known == name.value) {
        return Err(Problem::new(name.span, format!("`{}` is there already", name.value)));
    }
    Ok(name.value)
}

/// The property called `property`, one of `all`.
fn choice<T: Clone>(
    arguments: &mut Arguments,
    property: &'static str,
    all: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<Option<T>, Problem> {
    let text = arguments.text(property)?;
    text.map(|text| pick(property, &text, all, name)).transpose()
}

/// The one of `all` that is called so.
fn pick<T: Clone>(
    kind: &str,
    text: &Spanned<String>,
    all: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<T, Problem> {
    all.iter().find(|one| name(one) == text.value).cloned().ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(&name).collect();
        Problem::unknown(kind, &text.value, text.span, &known)
    })
}

fn override_of(value: u64) -> HttuOverride {
    match value {
        0 => HttuOverride::None,
        1 => HttuOverride::AccessFlag,
        2 => HttuOverride::AccessAndDirty,
        _three => HttuOverride::WithTable,
    }
}
