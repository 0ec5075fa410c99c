"""The texts of the page on timing."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

TIMING_TITLE = Bilingual(en="Reading a loss, reading a clock", zh="怎样读损失，怎样计时")
NOT_RUN = Bilingual(
    en="PyTorch is not installed here ({install}), so this part is described but was not run.",
    zh="这里没有安装 PyTorch（{install}），所以这一部分只作说明，没有运行。",
)

ITEM_HEADING = Bilingual(en="1. loss.item() and print(loss)", zh="1. loss.item() 与 print(loss)")
ITEM_IS = Bilingual(
    en="print(loss) rounds to a few digits and also shows how the tensor was computed. .item() returns its single "
    "number, as a plain Python number with all digits.",
    zh="直接打印张量，会舍入到几位数字，还会带上它是怎么算出来的；.item() 把里面唯一的那个数取出来，"
    "得到一个普通的 Python 数，位数完整。",
)
ITEM_KEEPS = Bilingual(
    en="Store loss.item() in a list, not loss: the tensor keeps the whole record of its computation, and with it the "
    "memory of every step.",
    zh="往列表里存的应该是 loss.item()，而不是 loss：张量会留住整个计算记录，每一步的内存都不会释放。",
)
ITEM_WAITS = Bilingual(
    en="On a GPU, .item() must wait until the number has been computed. If it is read at every step, the GPU stops at "
    "every step: read it only now and then.",
    zh="在 GPU 上，.item() 必须等到这个数算出来为止。每一步都读，GPU 每一步都要停下来等；隔若干步读一次就好。",
)

CLOCK_HEADING = Bilingual(en="2. The clock and the GPU", zh="2. 时钟与 GPU")
CLOCK_IS = Bilingual(
    en="A call that works on a CUDA device returns before the work is done: it only puts the work in a queue. A clock "
    "that is read right after it measures how long queueing took. Wait first: torch.cuda.synchronize().",
    zh="在 CUDA 设备上，调用返回时计算并没有做完：它只是把任务排进队列。紧接着看时钟，量到的只是“下命令”用了多久。"
    "要先等它做完：torch.cuda.synchronize()。",
)
CLOCK_RAN = Bilingual(
    en="Run just now on {device}: after {queued:.2f} ms all {count} products were queued, after {finished:.2f} ms they "
    "were done. Without synchronize the GPU would seem {times:.3g} times as fast as it is.",
    zh="刚刚在 {device} 上运行：{queued:.2f} 毫秒时 {count} 次乘法都已下达，{finished:.2f} 毫秒时才真正做完。"
    "不加 synchronize，GPU 看上去会快 {times:.3g} 倍，那是假象。",
)
NO_CUDA = Bilingual(
    en="There is no CUDA device here, so this was not run. On a CPU each call returns when its work is done, and the "
    "clock can be read at once.",
    zh="这里没有 CUDA 设备，所以没有运行。在 CPU 上，调用返回时计算已经做完，可以直接看时钟。",
)

COMPARISON_HEADING = Bilingual(
    en="3. Is a GPU 50 times faster? This program, measured", zh="3. GPU 快 50 倍吗？实测这个程序"
)
COMPARISON_NOTE = Bilingual(
    en="{rows} rows, {inputs} inputs, {hidden} hidden units, {outputs} outputs; {steps} steps each, after two untimed "
    "steps; of short runs the fastest of three.",
    zh="{rows} 行，{inputs} 个输入，{hidden} 个隐藏单元，{outputs} 个输出；每种各 {steps} 步，计时前先空跑两步；"
    "时间短的取三次中最快的一次。",
)
PROGRAM_COLUMN = Bilingual(en="gradients", zh="谁来算梯度")
DEVICE_COLUMN = Bilingual(en="device", zh="设备")
DTYPE_COLUMN = Bilingual(en="numbers", zh="数值类型")
MS = Bilingual(en="ms per step", zh="每步毫秒")
TIMES = Bilingual(en="times as fast", zh="快多少倍")
ENGINES = {
    "numpy": Bilingual(en="NumPy, by hand", zh="NumPy，手写梯度"),
    "torch": Bilingual(en="PyTorch, by hand", zh="PyTorch，手写梯度"),
    "torch-autograd": Bilingual(en="PyTorch, autograd", zh="PyTorch，自动求导"),
}
SMALL_STEP_NOTE = Bilingual(
    en="One step is {products:,} multiplications. On a GPU, most of such a short step goes into starting operations (a "
    "dozen per step, more with autograd), which takes the same time for small and large tables. So compare at your own "
    "sizes: --n-rows, --n-inputs and so on.",
    zh="一步只有 {products:,} 次乘法。这么短的一步，在 GPU 上时间大多花在启动各个运算上（每步十几个，自动求导时更多），"
    "而启动的开销与表的大小无关。所以要按自己的规模来比较：用 --n-rows、--n-inputs 等选项。",
)
LARGE_STEP_NOTE = Bilingual(
    en="One step is {products:,} multiplications: enough to keep a GPU busy. At the tutorial's size (13 million) "
    "most of the time goes into starting each operation.",
    zh="一步有 {products:,} 次乘法，足够让 GPU 忙起来。在教程的规模上（约 1300 万次），时间大多花在启动各个运算上。",
)
ORIGINAL = Bilingual(
    en="The original run of the autograd program, 2000 steps on a CUDA GPU, took 2.735 s. At the speed above, 2000 "
    "steps of the NumPy program take {seconds:.2f} s here, on the CPU.",
    zh="原教程用自动求导在 CUDA GPU 上跑 2000 步，用了 2.735 秒。按上面的速度，NumPy 程序在这里的 CPU 上跑 2000 步需要 "
    "{seconds:.2f} 秒。",
)
FLOAT32 = Bilingual(
    en="The type of the numbers matters: PyTorch uses float32 (7 digits) by default, NumPy float64 (16 digits), which is "
    "twice as much data to move. Compare runs with the same type.",
    zh="还要注意数值类型：PyTorch 默认 float32（约 7 位有效数字），NumPy 默认 float64（约 16 位），要搬运的数据多一倍。"
    "要在同一种类型下比较。",
)
