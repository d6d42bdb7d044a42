//! What the start needed and nothing needs afterwards goes back to the system.
//!
//! - Freed memory: the allocator gives freed pages back while a thread goes on allocating; control hardly
//!   does once it has started. The kernel's type information, a catalog's YAML, imported documents and the
//!   snapshot before this one would stay resident: 19 MB, measured 2026-11-21.
//! - Code: reading a command line, YAML and type information is most of the binary, and what ran once stays
//!   mapped: 8 MB. Code is never written, so what is needed again comes back from the page cache.
#![allow(unsafe_code, reason = "two system calls on memory of our own")]

use std::fs;
use std::ops::Range;

/// Returns what this thread has freed, and code that is not in use. Some milliseconds; for control, never
/// for a worker.
pub fn give_back() {
    // SAFETY: takes a flag and touches the allocator's own state only; where another allocator serves
    // (tests), that state is empty.
    unsafe { libmimalloc_sys::mi_collect(true) };
    let Some(code) = fs::read_to_string("/proc/self/maps")
        .ok()
        .and_then(|maps| code_around(&maps, give_back as *const () as usize))
    else {
        return;
    };
    // SAFETY: the range is one mapping of this process that holds code and cannot be written, so its pages
    // equal the file's and are mapped again when they are next read.
    unsafe {
        libc::madvise(
            code.start as *mut libc::c_void,
            code.len(),
            libc::MADV_DONTNEED,
        )
    };
}

/// The mapping around an address, where it is code of a file (`r-xp`) in the format of proc_pid_maps(5).
fn code_around(maps: &str, address: usize) -> Option<Range<usize>> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let range = number(start)?..number(end)?;
        (range.contains(&address) && rest.starts_with("r-xp") && rest.contains('/'))
            .then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_a_file_is_found() {
        let maps = "1000-2000 r--p 00000000 fe:00 12 /usr/bin/gateway\n\
                    2000-5000 r-xp 00001000 fe:00 12 /usr/bin/gateway\n\
                    5000-6000 rw-p 00004000 fe:00 12 /usr/bin/gateway\n\
                    7000-8000 r-xp 00000000 00:00 0 \n";
        for (address, expected) in [
            (0x1fff, None),
            (0x2000, Some(0x2000..0x5000)),
            (0x4fff, Some(0x2000..0x5000)),
            (0x5000, None),
            (0x7000, None),
            (0x9000, None),
        ] {
            assert_eq!(code_around(maps, address), expected, "{address:x}");
        }
    }

    #[test]
    fn everything_works_on_after_it() {
        let before: Vec<u64> = (0..100_000).collect();
        give_back();
        assert_eq!(before.iter().sum::<u64>(), 4_999_950_000);
    }
}
