//! What the operating system says of this process, under the names that all programs share
//! (Prometheus, "Writing client libraries", process metrics). Nothing where there is no proc(5).

use std::fs;

use prometheus::core::Collector;
use prometheus::{Counter, IntGauge, Registry};

use super::Descriptor;

/// Clock ticks in a second as proc(5) counts them: `USER_HZ`, which is 100 on every Linux of today.
const TICKS: f64 = 100.0;

/// The process. By hand, since its seconds have fractions.
#[derive(Debug)]
pub struct Process {
    cpu: Counter,
    memory: IntGauge,
    descriptors: IntGauge,
    descriptors_max: IntGauge,
    start: IntGauge,
}

const CPU: Descriptor = describe(
    "process_cpu_seconds_total",
    "counter",
    "User and system time of the process, in seconds.",
);
const MEMORY: Descriptor = describe(
    "process_resident_memory_bytes",
    "gauge",
    "Memory of the process that is resident, in bytes.",
);
const DESCRIPTORS: Descriptor = describe("process_open_fds", "gauge", "File descriptors that are open now.");
const DESCRIPTORS_MAX: Descriptor = describe(
    "process_max_fds",
    "gauge",
    "File descriptors that may be open (the soft limit).",
);
const START: Descriptor = describe(
    "process_start_time_seconds",
    "gauge",
    "When the process began, in Unix seconds.",
);

const fn describe(name: &'static str, kind: &'static str, help: &'static str) -> Descriptor {
    Descriptor {
        name,
        kind,
        labels: &[],
        help,
    }
}

impl Process {
    /// What is declared here.
    pub const DESCRIPTORS: &'static [Descriptor] = &[CPU, MEMORY, DESCRIPTORS, DESCRIPTORS_MAX, START];

    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let this = Self {
            cpu: registered(registry, Counter::new(CPU.name, CPU.help)?)?,
            memory: gauge(registry, &MEMORY)?,
            descriptors: gauge(registry, &DESCRIPTORS)?,
            descriptors_max: gauge(registry, &DESCRIPTORS_MAX)?,
            start: gauge(registry, &START)?,
        };
        this.start.set(start_time().unwrap_or(0));
        Ok(this)
    }

    /// Reads them. Blocks: on Linux before 6.2 the descriptors are counted one by one.
    pub fn refresh(&self) {
        if let Some(seconds) = stat().and_then(|stat| cpu_seconds(&stat)) {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = number_after(&status, "VmRSS:") {
            self.memory.set(kib * 1024);
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = number_after(&limits, "Max open files") {
            self.descriptors_max.set(most);
        }
        if let Some(count) = descriptors() {
            self.descriptors.set(count);
        }
    }
}

fn gauge(registry: &Registry, descriptor: &Descriptor) -> Result<IntGauge, prometheus::Error> {
    registered(registry, IntGauge::new(descriptor.name, descriptor.help)?)
}

fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> Result<M, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn stat() -> Option<String> {
    fs::read_to_string("/proc/self/stat").ok()
}

/// A field of `/proc/self/stat` by its number in proc(5). The program's name, the second, may hold anything: fields are
/// counted from behind it.
fn field(stat: &str, number: usize) -> Option<u64> {
    let rest = stat.rsplit(')').next()?;
    rest.split_whitespace().nth(number - 3)?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) as f64 / TICKS)
}

/// In Unix seconds: the machine's start and the process's after it.
fn start_time() -> Option<i64> {
    let machine = number_after(&fs::read_to_string("/proc/stat").ok()?, "btime")?;
    let ticks = field(&stat()?, 22)?;
    Some(machine + (ticks as f64 / TICKS) as i64)
}

/// The first number behind a name at the beginning of a line.
fn number_after(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn descriptors() -> Option<i64> {
    // Since Linux 6.2 the folder's size is their number.
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    if size > 0 {
        return i64::try_from(size).ok();
    }
    i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_from_behind_the_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 12345 1 2";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(field(stat, 22), Some(12345));
        assert_eq!(
            number_after("Max open files            1024    4096    files", "Max open files"),
            Some(1024)
        );
        assert_eq!(number_after("VmRSS:\t  1234 kB", "VmRSS:"), Some(1234));
        assert_eq!(number_after("Max open files unlimited", "Max open files"), None);
    }

    #[test]
    fn this_process_is_read() {
        let process = Process::register(&Registry::new()).unwrap();
        process.refresh();
        assert!(process.memory.get() > 100_000, "{process:?}");
        assert!(process.descriptors.get() >= 3, "{process:?}");
        assert!(process.start.get() > 1_600_000_000, "{process:?}");
    }
}
