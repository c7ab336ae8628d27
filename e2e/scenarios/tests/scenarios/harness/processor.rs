//! Processor time of this machine's processes, as /proc shows it.

use std::collections::{BTreeMap, HashMap};
use std::fs;

/// Unit of processor time in /proc (USER_HZ), which is the same on all architectures.
const TICKS_PER_SECOND: f64 = 100.0;

/// Programs of the testbed and the platform, with the family that each belongs to.
const FAMILIES: [(&str, &str); 17] = [
    ("akili-operator", "operator"),
    ("etcd", "etcd"),
    ("kube-apiserver", "kube-apiserver"),
    ("kube-controller", "kube-controller-manager"),
    ("kube-scheduler", "kube-scheduler"),
    ("kube-proxy", "kube-proxy"),
    ("kubelet", "kubelet"),
    ("containerd", "containerd"),
    ("containerd-shim", "containerd"),
    ("runc", "containerd"),
    ("ceph-mon", "ceph-mon"),
    ("ceph-osd", "ceph-osd"),
    ("radosgw", "radosgw"),
    ("java", "kafka"),
    ("postgres", "postgresql"),
    ("testbed", "starrocks-stand-in"),
    ("demo", "demo"),
];

/// Seconds of processor time, by family.
pub type Seconds = BTreeMap<&'static str, f64>;

/// Observed processes by id and start time, with their family and processor time.
#[derive(Default)]
pub struct Processes(HashMap<(u32, u64), (&'static str, f64)>);

impl Processes {
    /// Reads /proc. A process that has ended keeps its last observed value.
    pub fn observe(&mut self) {
        let Ok(entries) = fs::read_dir("/proc") else {
            return;
        };
        for entry in entries.flatten() {
            let id = entry.file_name().to_str().and_then(|id| id.parse().ok());
            let stat = id.and_then(|id| Some((id, stat(&format!("{id}"))?)));
            if let Some((id, stat)) = stat
                && let Some(family) = family(&stat.program)
            {
                self.0.insert((id, stat.began), (family, stat.own));
            }
        }
    }

    /// Returns the processor time of all families, of this process, and of its ended
    /// children ("programs").
    pub fn seconds(&self) -> Seconds {
        let mut seconds = Seconds::new();
        for (family, used) in self.0.values() {
            *seconds.entry(family).or_default() += used;
        }
        if let Some(this) = stat("self") {
            seconds.insert("scenarios", this.own);
            seconds.insert("programs", this.children);
        }
        seconds
    }
}

/// Returns for how many seconds the processors were busy since the machine started.
pub fn busy() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = text.lines().next().unwrap_or_default().split_whitespace();
    let fields: Vec<f64> = fields
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // All but idle, and waiting for a disk.
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    (fields.iter().take(8).sum::<f64>() - idle) / TICKS_PER_SECOND
}

struct Stat {
    program: String,
    began: u64,
    own: f64,
    children: f64,
}

fn stat(id: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (head, fields) = text.rsplit_once(") ")?;
    let fields: Vec<u64> = fields
        .split(' ')
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    // The state of the process, after its name, is the third field of proc(5).
    let field = |number: usize| fields.get(number - 3).copied();
    let seconds = |one, two| Some((field(one)? + field(two)?) as f64 / TICKS_PER_SECOND);
    Some(Stat {
        program: head.split_once('(')?.1.to_owned(),
        began: field(22)?,
        own: seconds(14, 15)?,
        children: seconds(16, 17)?,
    })
}

fn family(program: &str) -> Option<&'static str> {
    let found = FAMILIES.iter().find(|(name, _)| program == *name);
    found.map(|(_, family)| *family)
}
