/// Shares a rate out by demand, max-min fair: who wants little gets it, the others get equal parts of the rest.
///
/// After Bertsekas and Gallager, "Data Networks" (2nd edition, 6.5.2), for one link. What nobody wants is spread evenly
/// on top, so that the shares add up to the rate and a demand that grows is not held back.
func maxMinShares(of rate: Double, demands: [Double]) -> [Double] {
    guard !demands.isEmpty else { return [] }
    var shares = [Double](repeating: 0, count: demands.count)
    var rest = rate
    var left = demands.count
    for index in demands.indices.sorted(by: { demands[$0] < demands[$1] }) {
        shares[index] = max(0, min(demands[index], rest / Double(left)))
        rest -= shares[index]
        left -= 1
    }
    let extra = max(0, rest) / Double(demands.count)
    return shares.map { $0 + extra }
}
