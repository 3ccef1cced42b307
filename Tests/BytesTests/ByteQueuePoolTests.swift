import Testing

@testable import Bytes

@Suite struct ByteQueuePoolTests {
    @Test func memoryGoesFromHandToHand() {
        let pool = ByteQueuePool()
        var first = ByteQueue()
        pool.lend(&first)
        #expect(first.capacity == ByteQueuePool.size)
        first.append("x")
        let place = unsafe first.base
        first.consume(1)
        pool.takeBack(&first)
        #expect(first.capacity == 0 && first.isEmpty)
        var second = ByteQueue()
        pool.lend(&second)
        #expect(unsafe second.base == place)
        let isEmpty = second.isEmpty
        #expect(isEmpty, "what was in it before is not seen")
    }

    @Test func whatStillWaitsIsNotTaken() {
        let pool = ByteQueuePool()
        var queue = ByteQueue()
        pool.lend(&queue)
        queue.append("still here")
        pool.takeBack(&queue)
        #expect(queue.count == 10 && queue.capacity == ByteQueuePool.size)
        pool.lend(&queue)
        #expect(queue.count == 10)
    }

    @Test func memoryOfAnotherSizeGoesBackToTheSystem() {
        let pool = ByteQueuePool()
        var queue = ByteQueue()
        queue.append("small")
        queue.removeAll()
        pool.takeBack(&queue)
        #expect(queue.capacity == 0)
        pool.lend(&queue)
        #expect(queue.capacity == ByteQueuePool.size)
    }
}
