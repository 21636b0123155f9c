//! Marks memory for valgrind's memcheck. Test-only: outside of valgrind all of it does nothing.

use rand_core::{CryptoRng, Error, RngCore};

const MAKE_MEM_UNDEFINED: u64 = 0x4d43_0001;
const MAKE_MEM_DEFINED: u64 = 0x4d43_0002;
const RUNNING_ON_VALGRIND: u64 = 0x1001;

/// A client request, as `valgrind.h` makes it for amd64: a sequence that does nothing, which valgrind knows.
fn request(number: u64, first: u64, second: u64) -> u64 {
    let arguments: [u64; 6] = [number, first, second, 0, 0, 0];
    let mut result: u64 = 0;
    // SAFETY: four rotations of rdi by 128 in all and an exchange of rbx with itself change nothing but flags. valgrind reads
    // the six words behind rax and answers in rdx; without it rdx stays.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            options(nostack),
        );
    }
    result
}

/// Whether valgrind runs this.
pub fn watched() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) > 0
}

/// From here on the bytes of a value are secret: a branch or an address that depends on them is an error.
pub fn secret<T: ?Sized>(value: &T) {
    region(core::ptr::from_ref(value).cast::<u8>() as usize, size_of_val(value));
}

/// The same for a region by address and length.
pub fn region(address: usize, length: usize) {
    request(MAKE_MEM_UNDEFINED, address as u64, length as u64);
}

/// From here on the bytes are public.
pub fn public<T: ?Sized>(value: &T) {
    let address = core::ptr::from_ref(value).cast::<u8>() as usize;
    request(MAKE_MEM_DEFINED, address as u64, size_of_val(value) as u64);
}

/// A source of randomness whose every byte is secret.
pub struct Secret<R>(pub R);

impl<R: RngCore> RngCore for Secret<R> {
    fn next_u32(&mut self) -> u32 {
        let value = self.0.next_u32();
        secret(&value);
        value
    }

    fn next_u64(&mut self) -> u64 {
        let value = self.0.next_u64();
        secret(&value);
        value
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
        secret(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRng> CryptoRng for Secret<R> {}
