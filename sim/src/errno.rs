//! The errors that a Linux system call answers with, by their numbers on arm64 (`asm-generic/errno*.h`).

use std::fmt;

macro_rules! errnos {
    ($($name:ident = $number:literal $text:literal;)*) => {
        /// A Linux error number.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Errno {
            $(#[doc = concat!($text, ".")] $name,)*
        }

        impl Errno {
            /// All that the kernel layers answer with.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The number that user space sees in `errno`.
            pub const fn number(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }

            /// The C name: `EBUSY`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

errnos! {
    EPERM = 1 "Operation not permitted";
    ENOENT = 2 "No such file or directory";
    EIO = 5 "Input/output error";
    ENXIO = 6 "No such device or address";
    E2BIG = 7 "Argument list too long";
    EBADF = 9 "Bad file descriptor";
    ENOMEM = 12 "Cannot allocate memory";
    EACCES = 13 "Permission denied";
    EFAULT = 14 "Bad address";
    EBUSY = 16 "Device or resource busy";
    EEXIST = 17 "File exists";
    ENODEV = 19 "No such device";
    EINVAL = 22 "Invalid argument";
    ENFILE = 23 "Too many open files in system";
    EMFILE = 24 "Too many open files";
    ENOTTY = 25 "Inappropriate ioctl for device";
    ENOSPC = 28 "No space left on device";
    ESPIPE = 29 "Illegal seek";
    ERANGE = 34 "Numerical result out of range";
    EDEADLK = 35 "Resource deadlock avoided";
    EOVERFLOW = 75 "Value too large for defined data type";
    EBADFD = 77 "File descriptor in bad state";
    EMSGSIZE = 90 "Message too long";
    EOPNOTSUPP = 95 "Operation not supported";
    EADDRINUSE = 98 "Address already in use";
    ETIMEDOUT = 110 "Connection timed out";
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Errno {}

impl Errno {
    /// The error with this name, as scenarios write it.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|errno| errno.name() == name)
    }

    /// The error with this number.
    pub fn by_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|errno| errno.number() == number)
    }
}
