//! Every map of the kernel programs. Names are what user space looks for.

use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use gateway_common::{Counters, LISTENERS_MAX, ListenerKey};

/// Counters by listener. Shared by all processors: a connection is counted twice in its life, and
/// a copy for each processor costs memory that grows with the machine.
#[map]
pub(crate) static ACCOUNTS: HashMap<ListenerKey, Counters> =
    HashMap::with_max_entries(LISTENERS_MAX, 0);
