// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Calls many contracts in one transaction, and says what each answered
/// @dev Stands for one account: a member's operator, the council, or nobody.
contract Caller {
    struct Call {
        address to;
        bytes data;
    }

    /// @notice The call before this event, with what it returned or reverted with.
    event Answered(bool success, bytes data);

    function run(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool success, bytes memory data) = calls[i].to.call(calls[i].data);
            emit Answered(success, data);
        }
    }

    function look(Call[] calldata calls) external view returns (bytes[] memory answers) {
        answers = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (, answers[i]) = calls[i].to.staticcall(calls[i].data);
        }
    }
}
