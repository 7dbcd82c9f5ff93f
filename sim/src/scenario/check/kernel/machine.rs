//! The machine and its processes: `smmu`, `firmware`, `kernel`, `device`, `process`, `exit`, `limit`.

use smmu_model::ids::Vmid;

use super::{Doing, OnKernel};
use crate::driver::{DeviceDescription, Firmware, HttuOverride, Source};
use crate::kernel::device::{BusDriver, DeviceSetup, GroupId, ReservedKind, ReservedRegion};
use crate::kernel::generation::{Generation, Reports};
use crate::kernel::hardware::IommuId;
use crate::kernel::process::Rights;
use crate::kernel::{Setup, SmmuSetup};
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::check::hardware::range;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{Deed, ProcessId};
use crate::scenario::syntax::Node;

const HTTU: &[(&str, HttuOverride)] = &[
    ("none", HttuOverride::None),
    ("access", HttuOverride::AccessFlag),
    ("dirty", HttuOverride::AccessAndDirty),
    ("table", HttuOverride::WithTable),
];

const DRIVERS: &[(&str, BusDriver)] =
    &[("vfio", BusDriver::Vfio), ("native", BusDriver::Native), ("none", BusDriver::None)];

const RESERVED: &[(&str, ReservedKind)] = &[
    ("direct", ReservedKind::Direct),
    ("direct-relaxable", ReservedKind::DirectRelaxable),
    ("reserved", ReservedKind::Reserved),
    ("msi", ReservedKind::Msi),
    ("sw-msi", ReservedKind::SwMsi),
];

const RIGHTS: &[(&str, Rights)] = &[("root", Rights::ROOT), ("none", Rights::NONE)];

/// What is around the kernel: a version of it that may not exist yet, KVM, and the interconnect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Platform {
    pub(super) generation: Generation,
    pub(super) first_kvm_vmid: Vmid,
    pub(super) has_atomics: bool,
}

impl Default for Platform {
    fn default() -> Self {
        let Setup { generation, first_kvm_vmid, has_atomics, .. } = Setup::default();
        Self { generation, first_kvm_vmid, has_atomics }
    }
}

impl OnKernel<'_, '_> {
    /// `smmu "smmu0" preset="qemu-11.1" caches="none" { idr IDR0.HTTU=2; }`
    pub(super) fn smmu(&mut self, node: &Node) -> Result<(), Problem> {
        self.before_steps(node)?;
        let mut arguments = self.arguments(node)?;
        let name = self.part_name(&mut arguments, self.stack.smmus.len())?;
        let known = self.stack.smmus.iter().any(|(known, _)| *known == name.value);
        if known {
            return Err(Problem::new(name.span, format!("an SMMU is called `{}` already", name.value)));
        }
        if let Some(choices) = node.children.iter().flatten().find(|child| child.name.value == "choices") {
            let message = "on a kernel, every choice has its default answer";
            return Err(Problem::new(choices.name.span, message));
        }
        let (features, caches) = self.base.described_smmu(node, arguments)?;
        let setup = SmmuSetup { caches, ..SmmuSetup::new(features) };
        self.stack.smmus.push((name.value, setup));
        Ok(())
    }

    /// The name, or `smmu0`, `smmu1` and so on in their order.
    fn part_name(&self, arguments: &mut Arguments, position: usize) -> Result<Spanned<String>, Problem> {
        let span = arguments.span();
        match arguments.next() {
            Some(name) => crate::scenario::arguments::text(name),
            None => Ok(Spanned { value: format!("smmu{position}"), span }),
        }
    }

    /// `firmware "smmu0" source="acpi" httu="dirty" coherent=#true`
    pub(super) fn firmware(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        self.before_steps(node)?;
        let mut arguments = self.arguments(node)?;
        let name = self.part_name(&mut arguments, 0)?;
        let iommu = self.smmu_called(&name)?;
        let firmware = firmware_of(&mut arguments)?;
        arguments.finish()?;
        self.stack.smmus[iommu.0].1.firmware = firmware;
        Ok(())
    }

    fn smmu_called(&self, name: &Spanned<String>) -> Result<IommuId, Problem> {
        let position = self.stack.smmus.iter().position(|(known, _)| *known == name.value);
        position.map(IommuId).ok_or_else(|| {
            let known: Vec<&str> = self.stack.smmus.iter().map(|(name, _)| name.as_str()).collect();
            Problem::unknown("SMMU", &name.value, name.span, &known)
        })
    }

    /// `kernel va-bits=48 pa-bits=44 asid-bits=16 vhe=#true`: what processors and configuration settle; and
    /// `reports="explicit" vhttu=#true vbtm=#true kvm-vmid=9 atomics=#false`: what is around it.
    pub(super) fn kernel(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        if self.stack.kernel.is_some() {
            return Err(Problem::new(node.span, "there is a second `kernel`"));
        }
        self.stack.kernel = Some(node.span);
        let mut arguments = self.arguments(node)?;
        let host = &mut self.stack.processors;
        bits(&mut arguments, "va-bits", &[39, 48, 52], &mut host.va_bits)?;
        bits(&mut arguments, "pa-bits", &[32, 36, 40, 42, 44, 48, 52], &mut host.pa_bits)?;
        bits(&mut arguments, "asid-bits", &[8, 16], &mut host.asid_bits)?;
        host.vhe = arguments.flag("vhe")?.unwrap_or(host.vhe);
        let platform = &mut self.stack.platform;
        if let Some(reports) = arguments.text("reports")? {
            let known: Vec<_> = Reports::ALL.iter().map(|reports| (reports.name(), *reports)).collect();
            platform.generation.reports = one_of("way of reporting", &known, &reports)?;
        }
        platform.generation.vhttu = arguments.flag("vhttu")?.unwrap_or(false);
        platform.generation.vbtm = arguments.flag("vbtm")?.unwrap_or(false);
        platform.has_atomics = arguments.flag("atomics")?.unwrap_or(true);
        if let Some(vmid) = arguments.number_to("kvm-vmid", u64::from(u16::MAX))? {
            if vmid.value == 0 {
                return Err(Problem::new(vmid.span, "VMID 0 is the host's"));
            }
            platform.first_kvm_vmid = Vmid(u16::try_from(vmid.value).expect("checked against the maximum"));
        }
        arguments.finish()
    }

    /// `device "nic" smmu="smmu0" stream=0x10 group=0 driver="vfio" pasid-bits=4 { reserved "direct" 0x1000 size=0x1000; }`
    pub(super) fn device(&mut self, node: &Node) -> Result<(), Problem> {
        self.before_steps(node)?;
        let mut arguments = self.arguments(node)?;
        let name = arguments.required_name()?;
        if self.stack.devices.iter().any(|(known, _)| *known == name.value) {
            return Err(Problem::new(name.span, format!("a device is called `{}` already", name.value)));
        }
        let iommu = match arguments.text("smmu")? {
            Some(name) => self.smmu_called(&name)?,
            None if self.stack.smmus.is_empty() => {
                return Err(Problem::new(node.span, "there is no `smmu` yet"));
            }
            None => IommuId(0),
        };
        let stream = arguments.number_to("stream", u64::from(u32::MAX))?;
        let stream = stream.ok_or_else(|| Problem::new(node.span, "a device needs `stream=`"))?;
        let group = self.group(&mut arguments)?;
        let driver = arguments.text("driver")?;
        let driver = driver.map_or(Ok(BusDriver::Vfio), |driver| one_of("driver", DRIVERS, &driver))?;
        let mut flag = |name, default| Ok(arguments.flag(name)?.unwrap_or(default));
        let mut setup = DeviceSetup {
            iommu,
            description: DeviceDescription {
                streams: vec![stream_id(&stream)],
                ats: flag("ats", false)?,
                needs_ats: flag("needs-ats", false)?,
                canwbs: flag("canwbs", true)?,
                can_stall: flag("can-stall", false)?,
                pasid_bits: 0,
            },
            group,
            driver,
            reserved: Vec::new(),
            pasid_exec: flag("pasid-exec", false)?,
            pasid_priv: flag("pasid-priv", false)?,
            is_vf_with_pri: flag("vf-with-pri", false)?,
            msi_isolated: flag("msi-isolated", true)?,
        };
        if let Some(bits) = arguments.number_to("pasid-bits", 20)? {
            setup.description.pasid_bits = u8::try_from(bits.value).expect("checked against the maximum");
        }
        arguments.finish()?;
        for child in node.children.iter().flatten() {
            self.part_of_device(child, &mut setup)?;
        }
        self.stack.devices.push((name.value, setup));
        Ok(())
    }

    /// The group that is given, or one of its own.
    fn group(&self, arguments: &mut Arguments) -> Result<GroupId, Problem> {
        let groups = self.stack.devices.iter().map(|(_, setup)| setup.group.0);
        let own = groups.max().map_or(0, |last| last + 1);
        let given = arguments.number_to("group", u64::from(u16::MAX))?;
        Ok(GroupId(given.map_or(own, |group| usize::try_from(group.value).expect("checked to be small"))))
    }

    fn part_of_device(&self, node: &Node, setup: &mut DeviceSetup) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        match node.name.value.as_str() {
            "stream" => {
                let stream = arguments.required_number("a StreamID")?;
                if stream.value > u64::from(u32::MAX) {
                    return Err(Problem::new(stream.span, "a StreamID has 32 bits"));
                }
                setup.description.streams.push(stream_id(&stream));
            }
            "reserved" => {
                let kind = one_of("reserved region", RESERVED, &arguments.required_text("a kind")?)?;
                let (start, last) = range(&mut arguments)?;
                setup.reserved.push(ReservedRegion { kind, start, last });
            }
            other => {
                let known = ["stream", "reserved"];
                return Err(Problem::unknown("part of `device`", other, node.name.span, &known));
            }
        }
        arguments.finish()
    }

    /// `process "vmm" user=1000 rights="none" memlock=0x4000`
    pub(super) fn process(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        let name = arguments.required_name()?;
        if self.stack.processes.contains(&name.value) {
            return Err(Problem::new(name.span, format!("a process is called `{}` already", name.value)));
        }
        let user = arguments.number_to("user", u64::from(u32::MAX))?.map_or(0, |user| user.value);
        let rights = arguments.text("rights")?;
        let rights = match rights {
            Some(rights) => one_of("rights", RIGHTS, &rights)?,
            None if user == 0 => Rights::ROOT,
            None => Rights::NONE,
        };
        let memlock = arguments.number("memlock")?.map(|memlock| memlock.value);
        arguments.finish()?;
        let process = ProcessId(self.stack.processes.len());
        self.stack.processes.push(name.value);
        let user = u32::try_from(user).expect("checked against the maximum");
        let deed = Deed::Start { user, rights, memlock };
        self.step(node, Doing { process, deed, result: None, claims: Vec::new() })
    }

    /// `exit "vmm"`
    pub(super) fn exit(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        let process = self.process_called(&arguments.required_text("a process")?)?;
        arguments.finish()?;
        self.stack.opened.retain(|opened| opened.process != process);
        self.step(node, Doing { process, deed: Deed::Exit, result: None, claims: Vec::new() })
    }

    /// `limit memlock=0x4000 descriptors=16`
    pub(super) fn limit(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let memlock = arguments.number("memlock")?.map(|memlock| memlock.value);
        let descriptors = arguments.number_to("descriptors", 1 << 20)?;
        let descriptors = descriptors.map(|count| i32::try_from(count.value).expect("checked to be small"));
        arguments.finish()?;
        let deed = Deed::Limit { memlock, descriptors };
        self.step(node, Doing { process, deed, result: None, claims: Vec::new() })
    }

    fn before_steps(&self, node: &Node) -> Result<(), Problem> {
        if self.stack.steps.is_empty() {
            return Ok(());
        }
        Err(Problem::new(node.span, format!("`{}` comes before the first step", node.name.value)))
    }
}

/// A number of bits, which processors have in these sizes only.
fn bits(
    arguments: &mut Arguments,
    name: &'static str,
    known: &[u8],
    of_host: &mut u8,
) -> Result<(), Problem> {
    let Some(number) = arguments.number(name)? else { return Ok(()) };
    let found = known.iter().find(|bits| u64::from(**bits) == number.value);
    *of_host = *found.ok_or_else(|| {
        let known: Vec<String> = known.iter().map(u8::to_string).collect();
        Problem::new(number.span, format!("no processor has {name}={}", number.value))
            .with_help(format!("there is {}", known.join(", ")))
    })?;
    Ok(())
}

/// What the properties say of firmware: `source="acpi" httu="dirty" coherent=#true`.
pub(super) fn firmware_of(arguments: &mut Arguments) -> Result<Firmware, Problem> {
    let httu = arguments.text("httu")?;
    let source = match arguments.text("source")? {
        None if httu.is_none() => Source::DeviceTree,
        None => Source::Acpi { httu: HttuOverride::None },
        Some(source) => match source.value.as_str() {
            "acpi" => Source::Acpi { httu: HttuOverride::None },
            "device-tree" => Source::DeviceTree,
            other => {
                let known = ["acpi", "device-tree"];
                return Err(Problem::unknown("source of firmware", other, source.span, &known));
            }
        },
    };
    let source = match (source, httu) {
        (source, None) => source,
        (Source::Acpi { .. }, Some(httu)) => Source::Acpi { httu: one_of("HTTU override", HTTU, &httu)? },
        (Source::DeviceTree, Some(httu)) => {
            return Err(Problem::new(httu.span, "a device tree does not state HTTU"));
        }
    };
    Ok(Firmware {
        source,
        coherent: arguments.flag("coherent")?.unwrap_or(true),
        broken_prefetch: arguments.flag("broken-prefetch")?.unwrap_or(false),
        repeat_invalidations: arguments.flag("repeat-invalidations")?.unwrap_or(false),
    })
}

fn stream_id(stream: &Spanned<u64>) -> u32 {
    u32::try_from(stream.value).expect("checked against the maximum")
}

/// The thing that `name` is a name of.
pub(super) fn one_of<T: Copy>(kind: &str, known: &[(&str, T)], name: &Spanned<String>) -> Result<T, Problem> {
    known.iter().find(|(known, _)| *known == name.value).map(|(_, thing)| *thing).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Problem::unknown(kind, &name.value, name.span, &known)
    })
}
