"""What every test stands on: one BLAS thread, so that figures do not depend on how busy the machine is."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
