// Nothing is done: a value that passes through here is one that XLA does not compute again.

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    MedjaxKept,
    [](ffi::AnyBuffer x, ffi::Result<ffi::AnyBuffer> same) {
      if (x.untyped_data() == same->untyped_data()) return ffi::Error::Success();
      return ffi::Error::InvalidArgument("not in place");
    },
    ffi::Ffi::Bind().Arg<ffi::AnyBuffer>().Ret<ffi::AnyBuffer>());
